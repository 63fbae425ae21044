import { Billed } from './events.ts'
import type { ChaosSystem, Database } from './system.ts'
import type { Committed, Effect, Evidence, Operation, SetAside } from './verdict.ts'

/** An effect with when it was written, in ms since 1970 by the server's clock. */
export interface TimedEffect extends Effect {
  readonly atMs: number
}

/** What the databases say, apart from what the client wrote down. */
export interface Journals extends Pick<Evidence, 'committed' | 'effects' | 'setAside'> {
  readonly effects: readonly TimedEffect[]
}

/**
 * Reads what took effect before what caused it: so an effect's cause is always seen, and what is still on its way looks
 * lost until it is read again.
 */
export async function journals(direct: ChaosSystem['direct']): Promise<Journals> {
  const effects: TimedEffect[] = []
  const setAside: SetAside[] = []
  for (const service of ['stock', 'billing'] as const) {
    const { rows } = await direct[service].query<Omit<TimedEffect, 'service'>>(
      `SELECT handler, operation, key, sequence, process, (1000 * extract(epoch FROM at))::float8 AS "atMs"
       FROM effect ORDER BY place`,
    )
    effects.push(...rows.map((row) => ({ ...row, service })))
    setAside.push(...(await aside(direct, service)))
  }
  const { rows } = await direct.orders.query<Committed>('SELECT operation, key, sequence FROM done')
  return { effects, setAside, committed: rows }
}

/** By the beginning of the payload's bytes: the rest of it may be anything. */
async function aside(direct: ChaosSystem['direct'], service: Database): Promise<readonly SetAside[]> {
  const { rows } = await direct[service].query<{ type: string; state: string; start: string }>(
    `SELECT type, state, encode(substring(payload FROM 1 FOR 60), 'escape') AS start FROM estafet.parked_message
     WHERE state IN ('waiting', 'retrying', 'dead')`,
  )
  return rows.map(({ type, state, start }) => ({
    service,
    handler: type === Billed.type ? 'billed' : 'placed',
    operation: Number(/"operation":(\d+)/.exec(start)?.[1] ?? -1),
    state: state === 'dead' ? 'dead' : state === 'retrying' ? 'retrying' : 'waiting',
  }))
}

/** Lanes that nobody holds under a live lease. */
export async function idleLanes(direct: ChaosSystem['direct']): Promise<readonly string[]> {
  const found: string[] = []
  for (const service of ['stock', 'billing'] as const) {
    const { rows } = await direct[service].query<{ feed: string; lane: number }>(
      `SELECT feed, lane FROM estafet.lane WHERE leased_until IS NULL OR leased_until < clock_timestamp()`,
    )
    found.push(...rows.map(({ feed, lane }) => `lane ${lane} of ${service} in ${feed} is held by nobody`))
  }
  return found
}

export function evidenceOf(
  operations: readonly Operation[],
  seen: Journals,
  more: Partial<Pick<Evidence, 'told' | 'stuck'>> = {},
): Evidence {
  return { operations, ...seen, told: null, stuck: [], ...more }
}
