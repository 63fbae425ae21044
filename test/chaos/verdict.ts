/** One operation as the client saw it. Unknown: no answer came, so it may have happened. */
export interface Operation {
  readonly operation: number
  readonly key: string
  readonly outcome: 'ok' | 'fail' | 'unknown'
  /** A kind of poison, or null. */
  readonly poison: string | null
}

/** A committed row of the publisher's business, which is the truth about what was published. */
export interface Committed {
  readonly operation: number
  readonly key: string
  /** Counts the key's commits from 1. */
  readonly sequence: number
}

/** What a handler wrote, in the order in which it was written. */
export interface Effect extends Committed {
  readonly service: string
  readonly handler: string
  readonly process: string
}

/** A message that a subscription put aside: `dead` waits for a person, `waiting` waits behind another of its key. */
export interface SetAside {
  readonly service: string
  readonly handler: string
  readonly operation: number
  readonly state: 'dead' | 'waiting' | 'retrying'
}

/** What happened, from sources that know nothing of how the toolkit keeps its promises. */
export interface Evidence {
  readonly operations: readonly Operation[]
  readonly committed: readonly Committed[]
  readonly effects: readonly Effect[]
  readonly setAside: readonly SetAside[]
  /** What the processes said that they applied during the calm at the end, and how many effects that calm left. */
  readonly told: { readonly applied: number; readonly effects: number } | null
  /** What was still not as it should be when the time to drain was over; empty when it drained. */
  readonly stuck: readonly string[]
}

export interface Fault {
  /** I1 to I10 of the invariants; see docs/chaos.md. */
  readonly invariant: string
  readonly says: string
  /** Operations that show it, the first few. */
  readonly operations: readonly number[]
}

/** Who handles what: each handler, and the effects or rows that cause its own. */
export const reactions = [
  { service: 'billing', handler: 'placed', of: null },
  { service: 'stock', handler: 'placed', of: null },
  { service: 'stock', handler: 'billed', of: { service: 'billing', handler: 'placed' } },
] as const

/** Judges a run; an empty list is a run in which every promise was kept. */
export function judge(evidence: Evidence): readonly Fault[] {
  return [
    ...clientTold(evidence),
    ...reactions.flatMap((reaction) => judgeReaction(evidence, reaction)),
    ...deadLetters(evidence),
    ...evidence.stuck.map((says) => ({ invariant: 'I8 liveness', says, operations: [] })),
    ...countsTold(evidence),
  ]
}

function clientTold({ operations, committed }: Evidence): readonly Fault[] {
  const rows = Map.groupBy(committed, ({ operation }) => operation)
  const outcome = new Map(operations.map((each) => [each.operation, each.outcome]))
  const ofOutcome = (wanted: Operation['outcome']) => operations.filter(({ outcome }) => outcome === wanted)
  return [
    fault(
      'I1 no loss',
      'answered "ok" and not committed',
      ofOutcome('ok').filter(({ operation }) => !rows.has(operation)),
    ),
    fault(
      'I2 no phantom',
      'answered "fail" and committed',
      ofOutcome('fail').filter(({ operation }) => rows.has(operation)),
    ),
    fault(
      'I2 no phantom',
      'committed and never asked for',
      committed.filter(({ operation }) => !outcome.has(operation)),
    ),
    fault(
      'I3 no duplicate',
      'committed twice',
      committed.filter(({ operation }) => (rows.get(operation)?.length ?? 0) > 1),
    ),
  ].flat()
}

function judgeReaction(evidence: Evidence, { service, handler, of }: (typeof reactions)[number]): readonly Fault[] {
  const isOf = (effect: Effect, who: { service: string; handler: string }): boolean =>
    effect.service === who.service && effect.handler === who.handler
  const causes = of === null ? evidence.committed : evidence.effects.filter((effect) => isOf(effect, of))
  const effects = evidence.effects.filter((effect) => isOf(effect, { service, handler }))
  const caused = new Set(causes.map(({ operation }) => operation))
  const times = Map.groupBy(effects, ({ operation }) => operation)
  const own = evidence.setAside.filter((each) => each.service === service && each.handler === handler)
  const aside = new Set(own.map(({ operation }) => operation))
  const lost = causes.filter(({ operation }) => !times.has(operation) && !aside.has(operation))
  const name = `${service} on ${handler}`
  return [
    fault('I1 no loss', `${name}: neither handled nor set aside`, lost),
    fault(
      'I2 no phantom',
      `${name}: an effect without a cause`,
      effects.filter(({ operation }) => !caused.has(operation)),
    ),
    fault(
      'I3 no duplicate',
      `${name}: more than one effect`,
      [...times.values()].flatMap((all) => all.slice(1)),
    ),
    fault(
      'I3 no duplicate',
      `${name}: handled and set aside`,
      effects.filter(({ operation }) => aside.has(operation)),
    ),
    fault('I4 order', `${name}: after a later one of its key`, inversions(effects)),
  ].flat()
}

/** Effects that come after one of their key with a higher sequence number; what is missing in between is I1's. */
function inversions(effects: readonly Effect[]): readonly Effect[] {
  const last = new Map<string, number>()
  const seen = new Set<number>()
  return effects.filter(({ operation, key, sequence }) => {
    if (seen.has(operation)) return false
    seen.add(operation)
    const isLate = sequence < (last.get(key) ?? 0)
    if (!isLate) last.set(key, sequence)
    return isLate
  })
}

function deadLetters({ operations, committed, setAside }: Evidence): readonly Fault[] {
  const there = new Set(committed.map(({ operation }) => operation))
  const poison = operations.filter((each) => each.poison !== null && there.has(each.operation))
  const poisonous = new Set(poison.map(({ operation }) => operation))
  const bills = setAside.filter(({ handler, state }) => handler === 'billed' && state === 'dead')
  const good = fault('I9 dead letters', 'stock on billed: a dead letter, and nothing poisons a bill', bills)
  const ofOrders = ['billing', 'stock'].flatMap((service) => {
    const dead = setAside.filter(
      (each) => each.service === service && each.handler === 'placed' && each.state === 'dead',
    )
    const times = Map.groupBy(dead, ({ operation }) => operation)
    return [
      fault(
        'I9 dead letters',
        `${service}: poison without a dead letter`,
        poison.filter(({ operation }) => !times.has(operation)),
      ),
      fault(
        'I9 dead letters',
        `${service}: a dead letter that is no poison`,
        dead.filter(({ operation }) => !poisonous.has(operation)),
      ),
      fault(
        'I9 dead letters',
        `${service}: two dead letters of one`,
        [...times.values()].flatMap((all) => all.slice(1)),
      ),
      // A person must find what is at fault first: behind it may only wait what was published after it under its key.
      fault(
        'I9 dead letters',
        `${service}: waits and nothing of its key is dead`,
        orphans({ operations, setAside }, service),
      ),
    ].flat()
  })
  return [...good, ...ofOrders]
}

function orphans({ operations, setAside }: Pick<Evidence, 'operations' | 'setAside'>, service: string) {
  const keyOf = new Map(operations.map(({ operation, key }) => [operation, key]))
  const own = setAside.filter((each) => each.service === service)
  const dead = new Set(own.filter(({ state }) => state === 'dead').map(({ operation }) => keyOf.get(operation)))
  return own.filter(({ state, operation }) => state !== 'dead' && !dead.has(keyOf.get(operation)))
}

function countsTold({ told }: Evidence): readonly Fault[] {
  if (told === null || told.applied === told.effects) return []
  const says = `the processes told of ${told.applied} applied messages, and there are ${told.effects} effects`
  return [{ invariant: 'I10 told truth', says, operations: [] }]
}

function fault(invariant: string, says: string, found: readonly { readonly operation: number }[]): readonly Fault[] {
  if (found.length === 0) return []
  const operations = found.slice(0, 5).map(({ operation }) => operation)
  return [{ invariant, says: `${found.length} × ${says}`, operations }]
}
