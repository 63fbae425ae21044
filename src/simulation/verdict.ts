/** One effect, or one committed operation, as the simulation's own journals note it. */
export interface Entry {
  readonly operation: string
  readonly key: string
}

/** What the oracle found; every number but the first two must be 0. */
export interface Verdict {
  readonly seed: number
  readonly committed: number
  readonly lost: number
  readonly phantom: number
  readonly doubled: number
  /** Effects of a key that came before an effect that committed earlier. */
  readonly inverted: number
  /** Keys whose follow-up messages are not those of their effects, in their order. */
  readonly followUpsWrong: number
  readonly isRight: boolean
  readonly steps: number
}

/** Judges journals that know nothing of the toolkit's tables: what committed, in order, and what took effect, in order. */
export function judge(
  seed: number,
  steps: number,
  journals: {
    readonly committed: readonly Entry[]
    readonly effects: readonly Entry[]
    readonly followUps: readonly Entry[]
  },
): Verdict {
  const { committed, effects, followUps } = journals
  const times = countBy(effects)
  const known = new Set(committed.map(({ operation }) => operation))
  const lost = committed.filter(({ operation }) => !times.has(operation)).length
  const phantom = [...times.keys()].filter((operation) => !known.has(operation)).length
  const doubled = [...times.values()].reduce((sum, count) => sum + count - 1, 0)
  const inverted = inversions(committed, effects)
  const followUpsWrong = keysThatDiffer(effects, followUps)
  const isRight = lost + phantom + doubled + inverted + followUpsWrong === 0
  return { seed, steps, committed: committed.length, lost, phantom, doubled, inverted, followUpsWrong, isRight }
}

function countBy(entries: readonly Entry[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { operation } of entries) counts.set(operation, (counts.get(operation) ?? 0) + 1)
  return counts
}

function inversions(committed: readonly Entry[], effects: readonly Entry[]): number {
  const order = new Map(committed.map(({ operation }, at) => [operation, at]))
  const last = new Map<string, number>()
  let found = 0
  for (const { operation, key } of effects) {
    const at = order.get(operation) ?? -1
    if (at < (last.get(key) ?? -1)) found += 1
    else last.set(key, at)
  }
  return found
}

function keysThatDiffer(effects: readonly Entry[], followUps: readonly Entry[]): number {
  const operations = (entries: readonly Entry[], of: string): string =>
    JSON.stringify(entries.filter(({ key }) => key === of).map(({ operation }) => operation))
  const keys = new Set([...effects, ...followUps].map(({ key }) => key))
  return [...keys].filter((key) => operations(effects, key) !== operations(followUps, key)).length
}
