import type { Sql } from 'estafet/postgres'
import type pg from 'pg'
import { caughtUp, type Follower, type Stuck } from './caught-up.ts'
import type { Progress } from './progress.ts'
import { followOnce, loadOnce, noteAgain, notesNow, type Publishing } from './publish.ts'
import { isSourceId, type SourceTable, sourceTables } from './source-rows.ts'
import type { TargetDatabases } from './target-rows.ts'
import { type Difference, isComplete, type Verification, verify } from './verify.ts'

export interface MoveParts extends Publishing {
  readonly source: pg.Pool
  readonly databases: TargetDatabases
  readonly followers: readonly Follower[]
  readonly progress: Progress
}

export interface Moved extends Verification {
  /** Rows that this run loaded, changes that it followed, and rows that it sent again because they were not as they should be. */
  readonly loaded: number
  readonly followed: number
  readonly sentAgain: number
  readonly stuck: readonly Stuck[]
  /** Changes that came meanwhile: while people write to the monolith, rows that they wrote just now differ. */
  readonly waiting: number
  readonly isComplete: boolean
}

/** How often rows are sent again that are not as they should be: the monolith may have changed while it was compared. */
const rounds = 3

/** Moves what is not moved yet, waits until every service has it, and compares. May be stopped anywhere and begun again. */
export async function move(parts: MoveParts): Promise<Moved> {
  const done = { loaded: 0, followed: 0, sentAgain: 0 }
  done.loaded = await load(parts)
  for (let round = 1; ; round++) {
    done.followed += await follow(parts)
    const stuck = await caughtUp(parts.followers, parts.progress)
    const seen = await compare(parts)
    if (isComplete(seen) || round === rounds) {
      parts.progress.end()
      const { waiting } = await notesNow(parts.source)
      return { ...done, ...seen, stuck, waiting, isComplete: isComplete(seen) && stuck.length === 0 }
    }
    const again = rowsOf(seen.differences)
    await noteAgain(parts, again)
    done.sentAgain += again.length
  }
}

/** Compares, in a transaction that sees one moment of the monolith. */
export async function compare({
  store,
  source,
  databases,
  batch,
  progress,
}: Pick<MoveParts, 'store' | 'source' | 'databases' | 'batch' | 'progress'>): Promise<Verification> {
  const client = await source.connect()
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    progress.stage('compare', await countRows(client))
    const seen = await verify(client, databases, { store, batch, compared: (rows) => progress.at(rows) })
    await client.query('COMMIT')
    client.release()
    return seen
  } catch (error) {
    // Its transaction goes with it.
    client.release(true)
    throw error
  }
}

async function load(parts: MoveParts): Promise<number> {
  parts.progress.stage('load', await countRows(parts.source))
  let loaded = 0
  for (const table of sourceTables) {
    for (let rows = -1; rows !== 0; loaded += rows) {
      rows = await loadOnce(parts, table)
      parts.progress.at(loaded)
    }
  }
  return loaded
}

async function follow(parts: MoveParts): Promise<number> {
  const { newest, waiting } = await notesNow(parts.source)
  parts.progress.stage('follow', waiting)
  let followed = 0
  for (let notes = -1; notes !== 0; followed += notes) {
    notes = await followOnce(parts, newest)
    parts.progress.at(followed)
  }
  return followed
}

async function countRows(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    `SELECT ((SELECT count(*) FROM users) + (SELECT count(*) FROM products) + (SELECT count(*) FROM orders))::float8 AS n`,
  )
  return rows[0]?.n ?? 0
}

/** The rows of the monolith that differences are of. */
function rowsOf(differences: readonly Difference[]): readonly { readonly table: SourceTable; readonly id: string }[] {
  const rows = differences
    .filter(({ id }) => isSourceId(id))
    .map(({ target, id }) => ({ table: target === 'stock' ? ('products' as const) : target, id }))
  return [...new Map(rows.map((row) => [`${row.table} ${row.id}`, row])).values()]
}
