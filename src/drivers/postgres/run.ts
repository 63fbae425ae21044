import { translate } from './failure.ts'
import type { Sql, Statement } from './sql.ts'

/** Runs a statement, prepared under its name, and returns its rows. Throws the toolkit's codes. */
export async function run<Row extends object>(sql: Sql, statement: Statement): Promise<readonly Row[]> {
  try {
    const { rows } = await sql.query<Row>(statement)
    return rows
  } catch (error) {
    throw translate(error)
  }
}
