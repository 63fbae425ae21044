import type { Random } from 'estafet'

/** A fault, its victim and its size: all that the seed decides. */
export type Injury =
  | { readonly fault: 'kill'; readonly process: string }
  /** SIGSTOP, for longer than a lease; SIGCONT when it ends. */
  | { readonly fault: 'freeze'; readonly process: string }
  /** `share` of the connections, or all of them while it lasts. */
  | { readonly fault: 'latency'; readonly ms: number }
  | { readonly fault: 'reset'; readonly share: number }
  /** The answer to COMMIT is swallowed on this share of the connections, several times while it lasts. */
  | { readonly fault: 'swallow'; readonly share: number }
  /** Heals by moving on, by RST, or not at all: then those connections are dead and nobody says so. */
  | { readonly fault: 'half-open'; readonly share: number; readonly heals: 'off' | 'reset' | 'never' }
  | { readonly fault: 'postgres'; readonly how: 'SIGQUIT' | 'SIGKILL' }
  /** Somebody else's transaction that has published and stays open, then rolls back. */
  | { readonly fault: 'foreign'; readonly database: 'orders' | 'billing' }
  | { readonly fault: 'disk' }

export type FaultName = Injury['fault']

export interface Planned {
  /** Since the beginning of the run. */
  readonly atMs: number
  readonly forMs: number
  readonly injury: Injury
}

export interface NemesisOptions {
  readonly random: Random
  readonly totalMs: number
  readonly leaseMs: number
  readonly processes: readonly string[]
  readonly faults: readonly FaultName[]
}

export const faultNames = [
  ...(['kill', 'freeze', 'latency', 'reset', 'swallow', 'half-open', 'postgres', 'foreign', 'disk'] as const),
] satisfies readonly FaultName[]

const ofProcesses: readonly FaultName[] = ['kill', 'freeze']

/**
 * Two sequences of faults side by side: one that hurts processes, one that hurts what they stand on. So any of the one
 * meets any of the other. The same options give the same plan.
 */
export function plan(options: NemesisOptions): readonly Planned[] {
  const processFaults = options.faults.filter((name) => ofProcesses.includes(name))
  const others = options.faults.filter((name) => !ofProcesses.includes(name))
  return [...sequence(options, processFaults), ...sequence(options, others)].toSorted((a, b) => a.atMs - b.atMs)
}

/** Tells a fault of a process from the others: of each sort one lasts at a time. */
export function isOfProcess({ injury }: Planned): boolean {
  return ofProcesses.includes(injury.fault)
}

function sequence(options: NemesisOptions, faults: readonly FaultName[]): readonly Planned[] {
  const found: Planned[] = []
  const between = (least: number, most: number): number =>
    Math.round(least + options.random.fraction() * (most - least))
  // All in a random order before any comes again: a short run should meet as many as it can.
  let bag: FaultName[] = []
  for (let atMs = between(500, 2_000); faults.length > 0; ) {
    if (bag.length === 0) bag = shuffled(faults, options.random)
    const fault = bag.pop() ?? 'kill'
    const { forMs, injury } = injure(fault, options, between)
    if (atMs + forMs > options.totalMs) break
    found.push({ atMs, forMs, injury })
    atMs += forMs + between(300, 2_500)
  }
  return found
}

function injure(
  fault: FaultName,
  { random, leaseMs, processes }: NemesisOptions,
  between: (least: number, most: number) => number,
): Pick<Planned, 'forMs' | 'injury'> {
  const process = processes[Math.floor(random.fraction() * processes.length)] ?? ''
  const share = random.fraction() < 0.5 ? 1 : 0.3
  switch (fault) {
    case 'kill':
      return { forMs: 0, injury: { fault, process } }
    case 'freeze':
      return { forMs: between(1.2 * leaseMs, 1.7 * leaseMs), injury: { fault, process } }
    case 'latency':
      return { forMs: between(1_000, 4_000), injury: { fault, ms: between(20, 250) } }
    case 'reset':
      return { forMs: between(0, 1_000), injury: { fault, share } }
    case 'swallow':
      return { forMs: between(1_000, 3_000), injury: { fault, share } }
    case 'half-open':
      return {
        forMs: between(0.5 * leaseMs, 1.5 * leaseMs),
        injury: { fault, share, heals: (['off', 'reset', 'never'] as const)[between(0, 2)] ?? 'off' },
      }
    case 'postgres':
      return { forMs: 500, injury: { fault, how: random.fraction() < 0.7 ? 'SIGQUIT' : 'SIGKILL' } }
    case 'foreign':
      return {
        forMs: between(1_000, 4_000),
        injury: { fault, database: random.fraction() < 0.7 ? 'orders' : 'billing' },
      }
    case 'disk':
      return { forMs: between(1_000, 3_000), injury: { fault } }
  }
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  return items
    .map((item) => ({ item, at: random.fraction() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
