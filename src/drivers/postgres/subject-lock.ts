import { run } from './run.ts'
import type { Sql } from './sql.ts'

/** Of the advisory locks of persons; those of the log have others. */
const lockClass = 1_163_084_870

/** Holds persons until the transaction has ended: see HoldingVault. In one order for everybody. */
export async function holdSubjects(tx: Sql, subjects: readonly string[], mode: 'shared' | 'alone'): Promise<void> {
  const lock = mode === 'shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock'
  await run(tx, {
    name: `estafet-subject-lock-${mode}`,
    text: `SELECT ${lock}(${lockClass}, hashtext(s.subject)) FROM unnest($1::text[]) AS s (subject) ORDER BY hashtext(s.subject)`,
    values: [subjects],
  })
}
