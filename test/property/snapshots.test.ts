import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Decider, decider, streamEvent, when } from 'estafet'
import fc from 'fast-check'
import * as z from 'zod'
import { virtualClock } from '../../src/drivers/memory/clock.ts'
import { memoryDatabase } from '../../src/drivers/memory/database.ts'
import { memoryEventStore } from '../../src/drivers/memory/event-store.ts'
import { seededRandom } from '../../src/drivers/memory/random.ts'
import { memorySession } from '../../src/drivers/memory/session.ts'
import { memorySnapshots } from '../../src/drivers/memory/snapshots.ts'
import { memoryUnitOfWork } from '../../src/drivers/memory/unit-of-work.ts'
import { keepSnapshot, type LoadParts, load } from '../../src/event-sourcing/load.ts'
import type { Snapshot } from '../../src/ports/snapshots.ts'

// Whatever is found in the place of a snapshot, a state is what folding all events makes of it.

const Put = streamEvent('Put', { version: 1, schema: z.object({ name: z.string(), value: z.json() }) })
const Added = streamEvent('Added', { version: 1, schema: z.object({ by: z.int() }) })
const Cleared = streamEvent('Cleared', { version: 1, schema: z.object({}) })
interface State {
  readonly sum: number
  readonly all: readonly (readonly [string, unknown])[]
}

/** Things of a type, folded with a weight that only the revision tells apart, as something that evolve calls would be. */
function thing(type: string, snapshotEvery: number, weight: number): Decider<State, never> {
  return decider<State, never>(type, {
    ...{ initial: { sum: 0, all: [] }, decide: () => [], revision: weight, snapshotEvery },
    evolve: [
      when(Put, ({ sum, all }: State, { name, value }) => ({ sum, all: [...all, [name, value]] as const })),
      when(Added, (state: State, { by }) => ({ ...state, sum: state.sum + by * weight })),
      when(Cleared, ({ sum }: State) => ({ sum, all: [] })),
    ],
  })
}

const json = fc
  .jsonValue({ maxDepth: 3, stringUnit: 'grapheme' })
  .filter((v) => !JSON.stringify(v).includes('__proto__'))
const happened = fc.oneof(
  fc.record({ name: fc.string({ unit: 'binary' }).map((any) => any.toWellFormed()), value: json }).map((data) => ({
    ...{ type: 'Put', payload: JSON.stringify(data) },
  })),
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map((by) => ({ type: 'Added', payload: JSON.stringify({ by }) })),
  fc.constant({ type: 'Cleared', payload: '{}' }),
)
const history = fc.record({
  events: fc.array(happened, { minLength: 4, maxLength: 30 }),
  /** After how many of them somebody loads it, and may keep a snapshot; somebody always does once there may be one. */
  loads: fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 4 }),
  snapshotEvery: fc.integer({ min: 1, max: 4 }),
})

type Damage = (kept: Snapshot, others: Others) => Snapshot | null

/** Snapshots that are right in their own places. */
interface Others {
  readonly ofOtherFold: Snapshot | null
  readonly ofOtherStream: Snapshot | null
  readonly ofOtherType: Snapshot | null
  /** Of a stream with the same name and the same events, whose ids are others: a database that was made anew. */
  readonly ofOtherHistory: Snapshot | null
}

/** One character, in the text of a state or wherever else, is another one. */
const flip = fc
  .record({
    field: fc.constantFrom<'state' | 'checksum' | 'fold'>('state', 'checksum', 'fold'),
    at: fc.nat(),
    by: fc.integer({ min: 1, max: 255 }),
  })
  .map(
    ({ field, at, by }): Damage =>
      (kept) => {
        const text = kept[field]
        const place = at % text.length
        const flipped = String.fromCharCode(text.charCodeAt(place) ^ by)
        return { ...kept, [field]: text.slice(0, place) + flipped + text.slice(place + 1) }
      },
  )
const cut = fc.nat().map(
  (at): Damage =>
    (kept) => ({ ...kept, state: kept.state.slice(0, at % kept.state.length) }),
)
const moved = fc.constantFrom(-1000, -2, -1, 1, 2, 1000).map(
  (by): Damage =>
    (kept) => ({ ...kept, version: kept.version + by }),
)
const another = fc.constantFrom<keyof Others>('ofOtherFold', 'ofOtherStream', 'ofOtherType', 'ofOtherHistory').map(
  (which): Damage =>
    (_, others) =>
      others[which],
)
/** Another one that was made to look like this stream's as far as its columns go. */
const disguised = another.map(
  (damage): Damage =>
    (kept, others) => {
      const other = damage(kept, others)
      return other === null ? null : { ...other, fold: kept.fold }
    },
)
const mixed = fc.tuple(another, fc.constantFrom<keyof Snapshot>('state', 'checksum', 'version', 'fold')).map(
  ([damage, field]): Damage =>
    (kept, others) => {
      const other = damage(kept, others)
      return other === null ? null : { ...kept, [field]: other[field] }
    },
)
const none = fc.constant<Damage>((kept) => kept)
const damages = fc.array(fc.oneof(flip, cut, moved, another, disguised, mixed, none), { minLength: 1, maxLength: 2 })

test('a state is what its events make it, whatever is found in the place of its snapshot', async () => {
  let used = 0
  let damaged = 0
  await fc.assert(
    fc.asyncProperty(history, damages, fc.integer(), async ({ events, loads, snapshotEvery }, all, seed) => {
      const own = thing('thing', snapshotEvery, 1)
      const world = await filled(own, 'a', events, loads, seed)
      const kept = await world.snapshot
      assert.ok(kept !== null)
      const others: Others = {
        ofOtherFold: await snapshotOf(thing('thing', snapshotEvery, 2), 'a', events, loads, seed),
        ofOtherStream: await snapshotOf(own, 'b', events.toReversed(), loads, seed),
        ofOtherType: await snapshotOf(thing('other', snapshotEvery, 1), 'a', events.toReversed(), loads, seed),
        ofOtherHistory: await snapshotOf(own, 'a', events.toReversed(), loads, seed + 1),
      }
      let found: Snapshot | null = kept
      for (const damage of all) found = found === null ? null : damage(found, others)
      const parts = { ...world.parts, snapshots: { ...memorySnapshots(world.session), find: async () => found } }
      const loaded = await load(parts, own, 'a')
      const full = await load({ ...parts, snapshots: null }, own, 'a')
      assert.deepEqual(loaded.state, full.state)
      assert.deepEqual([loaded.version, loaded.last?.id], [events.length, full.last?.id])
      if (JSON.stringify(found) === JSON.stringify(kept)) {
        assert.equal(loaded.snapshotVersion, kept.version, 'one that is right is used')
        used += 1
      } else {
        damaged += 1
      }
    }),
    { numRuns: 250 },
  )
  // Both kinds are drawn; the second has nothing to show without the first.
  assert.ok(used > 10 && damaged > 50, `${used} were used, ${damaged} were damaged`)
})

async function snapshotOf(...of: Parameters<typeof filled>): Promise<Snapshot | null> {
  return (await filled(...of)).snapshot
}

/** A database in which a stream was written, and loaded from time to time; and the snapshot that was kept of it. */
async function filled(
  of: Decider<State, never>,
  id: string,
  events: readonly { readonly type: string; readonly payload: string }[],
  loads: readonly number[],
  seed: number,
) {
  const random = seededRandom(seed)
  const session = memorySession(memoryDatabase(virtualClock()))
  const store = memoryEventStore(session, 'things')
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const snapshots = memorySnapshots(session)
  const parts: LoadParts<Parameters<typeof store.append>[0]> = {
    ...{ events: store, snapshots, vault: null, random, logger: silent, verifyShare: 0 },
  }
  const stream = { type: of.type, id }
  for (const [at, { type, payload }] of events.entries()) {
    const eventId = Buffer.from(random.bytes(16)).toString('hex')
    const envelope = { version: 1, correlationId: eventId, causationId: null, traceparent: null, headers: {} }
    const event = { id: eventId, type, payload, ...envelope }
    await memoryUnitOfWork(session).run((tx) =>
      store.append(tx, [{ stream, expected: at, events: [event], appendId: null }]),
    )
    if (at + 1 === of.snapshotEvery || loads.includes(at + 1))
      await keepSnapshot(parts, of, id, await load(parts, of, id))
  }
  return { parts, session, snapshot: await snapshots.find(stream, of.fold) }
}
