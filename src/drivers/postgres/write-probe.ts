import { EstafetError } from '../../message/errors.ts'
import type { TableWrites, WriteProbe } from '../../ports/write-probe.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

/** Watches a transaction by what is sent on its client and by the server's own count of rows. */
export function postgresWriteProbe(): WriteProbe<Sql> {
  return {
    async watch(tx) {
      await tx.query(`SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '30s'`)
      // What the session wrote before and has not reported yet is in the count as well.
      const before = new Map((await rowsWritten(tx)).map((row) => [row.relid, row]))
      const sent: string[] = []
      return {
        tx: noting(tx, sent),
        statements: () => sent,
        async finish() {
          await tx.query('SET CONSTRAINTS ALL IMMEDIATE')
          return (await rowsWritten(tx)).map((row) => since(before.get(row.relid), row)).filter(isAnything)
        },
      }
    },
  }
}

interface WritesRow {
  readonly relid: string
  readonly table: string
  readonly inserted: string
  readonly updated: string
  readonly deleted: string
}

async function rowsWritten(tx: Sql): Promise<readonly WritesRow[]> {
  return run<WritesRow>(tx, {
    name: 'estafet-rows-written',
    text: `SELECT t.relid::text AS relid, t.schemaname || '.' || t.relname AS table, t.n_tup_ins::text AS inserted,
      t.n_tup_upd::text AS updated, t.n_tup_del::text AS deleted FROM pg_stat_xact_user_tables AS t
      WHERE t.n_tup_ins + t.n_tup_upd + t.n_tup_del > 0 ORDER BY 2`,
    values: [],
  })
}

function since(before: WritesRow | undefined, now: WritesRow): TableWrites {
  return {
    table: now.table,
    inserted: Number(now.inserted) - Number(before?.inserted ?? 0),
    updated: Number(now.updated) - Number(before?.updated ?? 0),
    deleted: Number(now.deleted) - Number(before?.deleted ?? 0),
  }
}

function isAnything({ inserted, updated, deleted }: TableWrites): boolean {
  return inserted + updated + deleted > 0
}

/** The same client, with each statement noted; a client's other properties are its own, for whoever looks for them. */
function noting(tx: Sql, sent: string[]): Sql {
  return new Proxy(tx, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      return (...given: unknown[]): unknown => {
        if (property === 'query') note(given[0], sent)
        return Reflect.apply(value, target, given)
      }
    },
  })
}

function note(statement: unknown, sent: string[]): void {
  const text = typeof statement === 'string' ? statement : textOf(statement)
  const bare = withoutValues(text)
  if (endsTransaction.test(bare)) {
    throw new EstafetError('MISCONFIGURED', 'A handler tried to begin or end the transaction that it was given.')
  }
  sent.push(bare.slice(0, 2000))
}

function textOf(statement: unknown): string {
  if (typeof statement !== 'object' || statement === null || !('text' in statement)) return '(not SQL text)'
  return String(statement.text)
}

const endsTransaction =
  /(^|;)\s*(begin|start\s+transaction|commit|end|abort|rollback(?!\s+(work\s+|transaction\s+)?to\b)|prepare\s+transaction)\b/i

/** A statement with `?` for what was written into it: quoted texts and numbers that are no parameters. */
function withoutValues(text: string): string {
  return text
    .replaceAll(/\$(\w*)\$[\s\S]*?\$\1\$/g, '?')
    .replaceAll(/'(?:[^']|'')*'/g, '?')
    .replaceAll(/(?<![\w$."])\d+(\.\d+)?\b/g, '?')
    .replaceAll(/\s+/g, ' ')
    .trim()
}
