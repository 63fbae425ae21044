import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEstafetError, type WantedQuantity } from 'estafet'
import { memoryDatabase, memoryReservations, memoryUnitOfWork, seededRandom, virtualClock } from 'estafet/memory'

const resources = ['a', 'b', 'c'].map((resource) => ({ resource, capacity: 5 }))
const seeds = 1_000

/** Owners that reserve, confirm and release side by side, in transactions of which some are lost. */
async function history(seed: number) {
  const random = seededRandom(seed)
  const upTo = (most: number): number => Math.floor(random.fraction() * (most + 1))
  const interrupt = async (): Promise<void> => {
    for (let yields = upTo(4); yields > 0; yields--) await Promise.resolve()
  }
  const database = memoryDatabase(virtualClock())
  const session = { database, owner: 'hotel', interrupt }
  const reservations = memoryReservations(session)
  const unitOfWork = memoryUnitOfWork(session)
  /** What each owner has, by what it was told. */
  const has = new Map<string, readonly WantedQuantity[]>()
  const seen: string[] = []

  async function check(): Promise<void> {
    const taken = await unitOfWork.run((tx) =>
      reservations.taken(
        tx,
        resources.map(({ resource }) => resource),
      ),
    )
    for (const [at, { capacity }] of resources.entries())
      assert.ok(taken[at]! >= 0 && taken[at]! <= capacity, `${seed}`)
  }

  async function owner(name: string): Promise<void> {
    const wanted = resources.filter(() => random.fraction() < 0.6).map((each) => ({ ...each, quantity: 1 + upTo(2) }))
    if (wanted.length === 0) return
    const shuffled = random.fraction() < 0.5 ? wanted : wanted.toReversed()
    for (const step of ['reserve', 'reserve', 'confirm', 'release', 'reserve', 'release'] as const) {
      if (random.fraction() < 0.3) continue
      const isLost = random.fraction() < 0.2
      try {
        const after = await unitOfWork.run(async (tx) => {
          const told = await acted(step, tx)
          if (isLost) throw new Error('lost')
          return told
        })
        if (after !== null) has.set(name, after)
        seen.push(`${step} ${after === null ? 'refused' : after.length > 0}`)
      } catch (error) {
        if (!(error instanceof Error && error.message === 'lost')) throw error
      }
      await check()
    }

    /** What the owner has then; null: as before. */
    async function acted(step: 'reserve' | 'confirm' | 'release', tx: Parameters<typeof reservations.confirm>[0]) {
      const before = has.get(name) ?? []
      const sorted = wanted.map(({ resource, quantity }) => ({ resource, quantity }))
      if (step === 'reserve') {
        const { kind } = await reservations.reserve(tx, name, shuffled)
        assert.ok(before.length === 0 || kind !== 'refused', `${seed}: what ${name} has is refused`)
        return kind === 'refused' ? null : wanted
      }
      assert.deepEqual(await reservations[step](tx, name), before.length === 0 ? [] : sorted, `${seed}`)
      return step === 'release' ? [] : before
    }
  }

  await Promise.all(Array.from({ length: 6 }, (_, at) => owner(`o-${at}`)))
  const taken = await unitOfWork.run((tx) =>
    reservations.taken(
      tx,
      resources.map(({ resource }) => resource),
    ),
  )
  const held = resources.map(({ resource }) =>
    [...has.values()].flat().reduce((sum, each) => sum + (each.resource === resource ? each.quantity : 0), 0),
  )
  assert.deepEqual(taken, held, `${seed}: what is taken is not what owners have`)
  return seen
}

test('what is taken is what owners have, and never more than there is, whoever comes when', async () => {
  const seen = new Set<string>()
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      for (const each of await history(seed)) seen.add(each)
    } catch (error) {
      // One owner in each transaction: then nobody waits for one who waits for him.
      assert.ok(!isEstafetError(error, 'CONFLICT'), `${seed}: two waited for each other`)
      throw error
    }
  }
  assert.deepEqual([...seen].toSorted(), [
    ...['confirm false', 'confirm true', 'release false', 'reserve refused', 'reserve true'],
  ])
})
