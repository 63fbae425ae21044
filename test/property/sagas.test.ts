import assert from 'node:assert/strict'
import { test } from 'node:test'
import { command, compensate, refuse, type Saga, type SagaOptions, saga } from 'estafet'
import type { MemoryTransaction } from 'estafet/memory'
import {
  does,
  type Participant,
  type ParticipantOptions,
  type RehearsalOptions,
  type Rehearsed,
  rehearse,
} from 'estafet/simulation'
import * as z from 'zod'
import { seededRandom } from '../../src/drivers/memory/random.ts'

const schema = z.object({ guest: z.string() })
const Room = command('hotel.reserve-room', {
  version: 1,
  to: 'hotel',
  schema,
  reply: z.object({ room: z.int() }),
  refusals: ['no-room'],
})
const Car = command('car.reserve-car', {
  version: 1,
  to: 'car',
  schema,
  reply: z.object({ car: z.int() }),
  refusals: ['no-car'],
})
const Charge = command('payment.charge', {
  version: 1,
  to: 'payment',
  schema,
  reply: z.object({}),
  refusals: ['declined'],
})

type TripSaga = Saga<MemoryTransaction, { guest: string }, { room: number }>
const run: SagaOptions<MemoryTransaction, typeof schema, unknown>['run'] = async (steps, { guest }) => {
  const timeoutMs = 5_000
  // Side by side, so that one may be answered when the other is being taken back.
  const [room, car] = await Promise.all([
    steps.request('room', Room, { guest }, { timeoutMs }),
    steps.request('car', Car, { guest }, { timeoutMs }),
  ])
  if (room.outcome !== 'done') return compensate('no-room')
  if (car.outcome !== 'done') return compensate('no-car')
  await steps.run('note', async ({ tx }) => tx.insert('note', 1), { undo: async (_, { tx }) => tx.insert('note', -1) })
  await steps.sleep('think', 2_000)
  const paid = await steps.request('charge', Charge, { guest }, { timeoutMs })
  if (paid.outcome !== 'done') return compensate('declined')
  return { room: room.result.room }
}
const Trip: TripSaga = saga<MemoryTransaction, typeof schema, { room: number }>('trip', {
  ...{ version: 1, input: schema, uses: [Room, Car, Charge] },
  run: run as SagaOptions<MemoryTransaction, typeof schema, { room: number }>['run'],
})

function plan(seed: number): RehearsalOptions<{ guest: string }> {
  const random = seededRandom(seed)
  const chance = (share: number): boolean => random.fraction() < share
  const upTo = (most: number): number => Math.floor(random.fraction() * most)
  const trouble = (): ParticipantOptions => ({
    takesMs: chance(0.2) ? upTo(12_000) : 0,
    failures: chance(0.2) ? upTo(4) : 0,
    undoFailures: chance(0.3) ? upTo(4) : 0,
    lostReplies: chance(0.2) ? 1 : 0,
  })
  const says = <Given, No>(given: Given, no: No): (() => Given | No) => {
    const isYes = chance(0.8)
    return () => (isYes ? given : no)
  }
  return {
    input: { guest: 'ada' },
    given: [
      does(Room, says({ room: 1 }, refuse('no-room')), trouble()),
      does(Car, says({ car: 1 }, refuse('no-car')), trouble()),
      does(Charge, says({}, refuse('declined')), trouble()),
    ],
    network: { seed, lose: 0.05, double: 0.1, delayMs: chance(0.3) ? 9_000 : 50 },
    ...(chance(0.4) ? { crashAt: 1 + upTo(8) } : {}),
  }
}

test('a saga ends, and what it did has effect once or not at all, as its end says, whatever befalls its messages', async () => {
  const seen = new Map<string, number>()
  for (let seed = 1; seed <= 10_000; seed++) {
    const end = await rehearse(Trip, plan(seed))
    const told = JSON.stringify({ seed, ...end })
    agrees(end, told)
    const kind = end.status === 'completed' ? 'completed' : (end.failure ?? '')
    seen.set(kind, (seen.get(kind) ?? 0) + 1)
  }
  // All kinds of ends are drawn, and many of each.
  assert.deepEqual([...seen.keys()].toSorted(), ['completed', 'declined', 'no-car', 'no-room'])
  assert.ok(
    [...seen.values()].every((count) => count > 300),
    JSON.stringify([...seen]),
  )
})

/** A participant whose messages are changed on their way in or out, as a mutant of the protocol would. */
function changed(
  participant: Participant,
  change: Partial<Record<'takes' | 'says', (text: string) => string | null>>,
): Participant {
  const texts = (kind: 'takes' | 'says', text: string): string | null =>
    (change[kind] ?? ((same: string) => same))(text)
  return {
    ...participant,
    open(clock) {
      const own = participant.open(clock)
      return {
        ...own,
        async take(message) {
          const payload = texts('takes', message.payload)
          if (payload === null) return []
          const said = await own.take({ ...message, payload })
          return said.flatMap((each) => {
            const text = texts('says', JSON.stringify(each.data))
            return text === null ? [] : [{ ...each, data: JSON.parse(text) }]
          })
        },
      }
    },
  }
}

const mutants: Readonly<Record<string, Parameters<typeof changed>[1]>> = {
  'the fence does not know a step again': {
    takes: (text) => text.replace(/"step":"([^"]*)"/, `"step":"$1#${counter()}"`),
    says: (text) => text.replace(/("step":"[^"#]*)#\d+"/, '$1"'),
  },
  'a late answer is taken for that to the cancel': { says: (text) => text.replace('"request"', '"cancel"') },
}
let asked = 0
const counter = (): string => `${asked++}`

for (const [name, change] of Object.entries(mutants)) {
  test(`the mutant "${name}" is found`, async () => {
    for (let seed = 1; seed <= 3_000; seed++) {
      const { given, ...rest } = plan(seed)
      const end = await rehearse(Trip, { ...rest, given: given.map((each) => changed(each, change)) })
      try {
        agrees(end, '')
      } catch {
        return
      }
    }
    assert.fail('The mutant was not found.')
  })
}

function agrees({ status, effects, steps }: Rehearsed, told: string): void {
  const one = status === 'completed' ? 1 : 0
  assert.ok(status === 'completed' || status === 'compensated', told)
  for (const [step, effect] of Object.entries(effects)) assert.equal(effect, one, `${step}: ${told}`)
  if (status === 'completed') assert.equal(Object.keys(effects).length, 3, told)
  const open = Object.values(steps).filter((state) => ['asking', 'waiting', 'cancelling', 'undoing'].includes(state))
  assert.deepEqual(open, [], told)
}
