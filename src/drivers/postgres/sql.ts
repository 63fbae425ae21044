/**
 * The part of a PostgreSQL client that the driver calls, so that the toolkit does not depend on one: `pg`'s clients have
 * it. As the driver's transaction type it stands for a client on which BEGIN was sent.
 */
export interface Sql {
  query<Row extends object = Record<string, unknown>>(
    statement: string | { readonly name?: string; readonly text: string; readonly values?: readonly unknown[] },
    values?: readonly unknown[],
  ): Promise<SqlResult<Row>>
}

export interface SqlResult<Row> {
  readonly rows: Row[]
  readonly rowCount: number | null
  readonly command: string
}

/** A statement as a value, prepared once per connection under its name. */
export interface Statement {
  readonly name: string
  readonly text: string
  readonly values: readonly unknown[]
}

/** A pooled client, as `pg.Pool.connect()` hands it out. */
export interface SqlClient extends Sql {
  release(broken?: boolean | Error): void
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
}

/** A pool, as `pg.Pool` is one. */
export interface SqlPool extends Sql {
  connect(): Promise<SqlClient>
}
