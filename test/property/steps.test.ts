import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEstafetError, type OutgoingMessage, type StoredMessage } from 'estafet'
import {
  type MemoryTransaction,
  memoryDatabase,
  memoryStepFence,
  memoryUnitOfWork,
  seededRandom,
  virtualClock,
} from 'estafet/memory'
import * as z from 'zod'
import { command } from '../../src/message/command.ts'
import { type AnswerOptions, answer, refuse } from '../../src/saga/answer.ts'

const Reserve = command('hotel.reserve-room', {
  ...{ version: 1, to: 'hotel', refusals: ['no-room'] },
  schema: z.object({ nights: z.int() }),
  reply: z.object({ room: z.string() }),
})
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const runs = 10_000

/** One step, asked for and taken back again and again, in any order and side by side, with transactions that fail. */
async function history(seed: number, options: AnswerOptions<MemoryTransaction, unknown, unknown> | null) {
  const random = seededRandom(seed)
  const interrupt = async (): Promise<void> => {
    for (let yields = Math.floor(random.fraction() * 4); yields > 0; yields--) await Promise.resolve()
  }
  const database = memoryDatabase(virtualClock())
  const session = { database, owner: 'hotel', interrupt }
  const unitOfWork = memoryUnitOfWork(session)
  const hasRoom = random.fraction() < 0.8
  const undo: AnswerOptions<MemoryTransaction, { nights: number }, { room: string }>['undo'] = async (done, { tx }) => {
    assert.deepEqual([done.data.nights, done.result.room], [2, '7'])
    tx.insert('effect', -1)
    await interrupt()
  }
  const handlers = answer<
    MemoryTransaction,
    { nights: number },
    { nights: number },
    { room: string },
    { room: string },
    'no-room'
  >(
    memoryStepFence(session),
    Reserve,
    async ({ data }, { tx }) => {
      assert.equal(data.nights, 2)
      await interrupt()
      if (!hasRoom) return refuse('no-room')
      tx.insert('effect', 1)
      await interrupt()
      return { room: '7' }
    },
    options === null ? {} : { undo },
  )
  const says: string[] = []
  const deliver = async (kind: 'request' | 'cancel'): Promise<void> => {
    const [request, cancel] = handlers
    const handler = kind === 'request' ? request : cancel
    const message = stored(Reserve[kind]({ step: 's-1', owner: 'trip-1', replyTo: 'booking', data: { nights: 2 } }))
    const isLost = random.fraction() < 0.2
    let outgoing: OutgoingMessage[] = []
    try {
      await unitOfWork.run(
        async (tx) => {
          outgoing = []
          const context = { tx, log: silent, signal: new AbortController().signal }
          await handler?.run([message], { ...context, publish: (...more) => void outgoing.push(...more) })
          if (isLost) throw new Error('lost')
        },
        async () => {},
      )
    } catch (error) {
      // Delivered again, as whatever is not acknowledged.
      if (!(error instanceof Error && error.message === 'lost') && !isEstafetError(error, 'CONFLICT')) throw error
      return deliver(kind)
    }
    for (const { data, topic, key } of outgoing) {
      assert.deepEqual([topic, key], ['booking.replies', 'trip-1 reply'])
      says.push(z.object({ answer: z.object({ outcome: z.string() }) }).parse(data).answer.outcome)
    }
  }
  const wanted = Array.from({ length: 1 + Math.floor(random.fraction() * 5) }, () =>
    random.fraction() < 0.6 ? ('request' as const) : ('cancel' as const),
  )
  await Promise.all(wanted.map(deliver))
  const net = database.rows('effect').reduce((sum: number, each) => sum + Number(each), 0)
  // Whoever asks once more hears how it ended.
  await deliver('request')
  return { wanted, says, net, end: says.at(-1), hasRoom, moves: database.rows('effect').length }
}

function stored({ type, version, topic, key, data }: OutgoingMessage): StoredMessage {
  return {
    ...{ source: 'booking', epoch: 'e', position: 1n, time: '2026-01-01T00:00:00.000Z', id: 'm' },
    ...{ type, version, topic, key, correlationId: 'c', causationId: null, traceparent: null, headers: {} },
    payload: JSON.stringify(data),
  }
}

test('a step has the effect that its last answer says, once or not at all, however it is asked for and taken back', async () => {
  const seen = new Set<string>()
  for (let seed = 1; seed <= runs; seed++) {
    const { wanted, says, net, end, hasRoom, moves } = await history(seed, {})
    const told = JSON.stringify({ seed, wanted, says, net, moves })
    assert.equal(net, end === 'done' ? 1 : 0, told)
    assert.equal(says.length, wanted.length + 1, told)
    assert.ok(moves <= 2, told)
    if (wanted.includes('cancel') && (hasRoom || says[0] === 'cancelled')) assert.equal(end, 'cancelled', told)
    if (!wanted.includes('cancel')) assert.equal(end, hasRoom ? 'done' : 'refused', told)
    // Taken back, it stays so.
    const back = says.indexOf('cancelled')
    if (back >= 0) assert.deepEqual(new Set(says.slice(back)), new Set(['cancelled']), told)
    seen.add(`${end} after ${says[0]}`)
  }
  assert.deepEqual([...seen].toSorted(), [
    ...['cancelled after cancelled', 'cancelled after done', 'done after done', 'refused after refused'],
  ])
})

test('what cannot be taken back says that it was done', async () => {
  for (let seed = 1; seed <= 500; seed++) {
    const { net, end, says } = await history(seed, null)
    assert.equal(net, end === 'done' ? 1 : 0, JSON.stringify({ seed, says, net }))
    if (says[0] === 'done') assert.deepEqual(new Set(says), new Set(['done']))
  }
})
