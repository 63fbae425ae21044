import { translate } from './failure.ts'
import { isPipelining } from './open-transaction.ts'
import type { Sql, SqlResult, Statement } from './sql.ts'

const busy = new WeakMap<Sql, Promise<unknown>>()

/** Runs a statement, prepared under its name, and returns its rows. Throws the toolkit's codes. */
export async function run<Row extends object>(sql: Sql, statement: Statement): Promise<readonly Row[]> {
  try {
    const { rows } = isOneAtATime(sql) ? await inTurn<Row>(sql, statement) : await sql.query<Row>(statement)
    return rows
  } catch (error) {
    throw translate(error)
  }
}

/** A single client that does not pipeline wants one statement at a time; a pool finds a client for each. */
function isOneAtATime(sql: Sql): boolean {
  return 'release' in sql && !isPipelining(sql)
}

function inTurn<Row extends object>(sql: Sql, statement: Statement): Promise<SqlResult<Row>> {
  const before = busy.get(sql) ?? Promise.resolve()
  const own = before.then(() => sql.query<Row>(statement))
  busy.set(
    sql,
    own.catch(() => {}),
  )
  return own
}
