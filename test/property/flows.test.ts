import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EventType, event, type Flow, flow, isEstafetError, type StoredMessage } from 'estafet'
import {
  type MemoryTransaction,
  memoryDatabase,
  memoryFlowSearch,
  memoryFlows,
  memoryUnitOfWork,
  seededRandom,
  virtualClock,
} from 'estafet/memory'
import fc from 'fast-check'
import * as z from 'zod'
import { follow } from '../../src/saga/follow.ts'

const of = (type: string): EventType<Record<string, never>> =>
  event(type, { version: 1, schema: z.object({}), key: () => 'k' })
const [Asked, Room, NoRoom, Car, NoCar, Back] = [
  ...[of('trip.asked'), of('hotel.reserved'), of('hotel.refused'), of('car.reserved'), of('car.refused')],
  of('hotel.released'),
] as const
const all = [Asked, Room, NoRoom, Car, NoCar, Back]
const Trip = flow('trip', {
  begins: Asked,
  expects: [
    { after: Asked, oneOf: [Room, NoRoom], withinMs: 60_000 },
    { after: Room, oneOf: [Car, NoCar], withinMs: 30_000 },
    { after: NoCar, oneOf: [Back], withinMs: 90_000, answers: 'all' },
  ],
  ends: [NoRoom, Car, Back],
})
const silent = { debug() {}, info() {}, warn() {}, error() {} }

interface Happened {
  readonly kind: number
  readonly ms: number
  /** Behind the milliseconds. */
  readonly micros: number
}

/** Delivers events in an order, some of them twice, by several processes at once whose transactions are lost at times. */
async function followed(happened: readonly Happened[], order: readonly number[], seed: number) {
  const random = seededRandom(seed)
  const interrupt = async (): Promise<void> => {
    for (let yields = Math.floor(random.fraction() * 4); yields > 0; yields--) await Promise.resolve()
  }
  const session = { database: memoryDatabase(virtualClock()), owner: 'tracking', interrupt }
  const unitOfWork = memoryUnitOfWork(session)
  const handlers = follow<MemoryTransaction>(memoryFlows(session), Trip)
  const deliver = async (at: number): Promise<void> => {
    const message = stored(happened[at], at)
    const handler = handlers.find(({ type }) => type === message.type)
    assert.ok(handler)
    const isLost = random.fraction() < 0.2
    try {
      await unitOfWork.run(async (tx) => {
        const context = { tx, log: silent, signal: new AbortController().signal, publish: () => {} }
        await handler.run([message], context)
        if (isLost) throw new Error('lost')
      })
    } catch (error) {
      if (!(error instanceof Error && error.message === 'lost') && !isEstafetError(error, 'CONFLICT')) throw error
      return deliver(at)
    }
  }
  const queue = order.flatMap((at) => (random.fraction() < 0.3 ? [at, at] : [at]))
  const worker = async (): Promise<void> => {
    for (let at = queue.shift(); at !== undefined; at = queue.shift()) await deliver(at)
  }
  await Promise.all([worker(), worker(), worker()])
  const {
    number: _,
    idleSeconds: __,
    overdueSeconds: ___,
    ...row
  } = (await memoryFlowSearch(session).show({ flow: 'trip', correlationId: 'c' }))!
  return row
}

function stored({ kind, ms, micros }: Happened = { kind: 0, ms: 0, micros: 0 }, at = 0): StoredMessage {
  const { type, topic } = all[kind]!
  const time = new Date(1.7e12 + ms).toISOString().replace('Z', `00${micros}Z`)
  return {
    ...{
      source: `s-${kind}`,
      epoch: 'e',
      position: BigInt(at + 1),
      time,
      id: `m-${at}`,
    },
    ...{ type, version: 1, topic, key: 'k', correlationId: 'c', causationId: null, traceparent: null, headers: {} },
    payload: '{}',
  }
}

const anyHistory = fc.array(fc.record({ kind: fc.nat(5), ms: fc.nat(8), micros: fc.nat(9) }), {
  minLength: 1,
  maxLength: 9,
})

test('the same events give the same row, whatever order they arrive in, how often, and how many take them in', () =>
  fc.assert(
    fc.asyncProperty(
      anyHistory.chain((happened) =>
        fc.record({
          happened: fc.constant(happened),
          order: fc.shuffledSubarray([...happened.keys()], { minLength: happened.length }),
          seed: fc.nat(),
        }),
      ),
      async ({ happened, order, seed }) => {
        const inTurn = await followed(happened, [...happened.keys()], 1)
        assert.deepEqual(await followed(happened, order, seed), inTurn)
        assert.equal(inTurn.events.length, happened.length)
      },
    ),
    { numRuns: 1_000 },
  ))

test('a flow is at its end when each event has been followed as it should, and otherwise says what is missing', () =>
  fc.assert(
    fc.property(anyHistory, (happened) => {
      const view = viewed(Trip, happened)
      const count = (...events: readonly unknown[]): number =>
        happened.filter(({ kind }) => events.includes(all[kind])).length
      const missing = [
        Math.max(0, count(Asked) - count(Room, NoRoom)),
        Math.max(0, count(Room) - count(Car, NoCar)),
        count(Back) > 0 ? 0 : count(NoCar),
      ]
      const status = count(Asked) === 0 ? 'unbegun' : missing.every((each) => each === 0) ? 'ended' : 'waiting'
      assert.equal(view.status, status)
      assert.deepEqual(
        view.awaited.map(({ count: open }) => open).toSorted(),
        missing.filter((each) => each > 0).toSorted(),
      )
      assert.equal(view.dueAt, view.awaited.map(({ until }) => until).toSorted()[0] ?? null)
      for (const { since, after } of view.awaited) {
        assert.ok(happened.some(({ kind, ms }) => all[kind]?.type === after && Date.parse(since) === 1.7e12 + ms))
      }
    }),
    { numRuns: 2_000 },
  ))

function viewed({ view }: Flow, happened: readonly Happened[]) {
  return view(happened.map((each, at) => ({ ...stored(each, at), at: stored(each, at).time })))
}
