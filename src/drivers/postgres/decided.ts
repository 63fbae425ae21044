import { EstafetError } from '../../message/errors.ts'
import type { Decided } from '../../ports/decision.ts'
import { run } from './run.ts'
import type { Sql, Statement } from './sql.ts'

export interface DecidedRow {
  readonly outcome: Decided['outcome']
  readonly count: string | null
  readonly number: string | null
  readonly state: string | null
}

/** Runs a statement whose one row says what came of a decision. */
export async function decide(sql: Sql, statement: Statement): Promise<DecidedRow> {
  const [row] = await run<DecidedRow>(sql, statement)
  if (row === undefined) throw new EstafetError('UNAVAILABLE', 'The database gave no answer.')
  return row
}

export function toDecided(row: DecidedRow): Decided {
  return { outcome: row.outcome, count: Number(row.count ?? 0) }
}

export function toNumber(row: DecidedRow): bigint | null {
  return row.number === null ? null : BigInt(row.number)
}
