import type { MessageContext } from 'estafet'
import type { PostgresStore, Sql } from 'estafet/postgres'
import { UserChanged } from './messages.ts'

export interface Profile {
  readonly id: string
  readonly email: string
  readonly name: string | null
  readonly address: string | null
}

/** Stores a profile and publishes it, in one transaction. `email`: somebody else has that address; nothing is written. */
export function saveUser(
  store: PostgresStore,
  { id, email, name, address }: Profile,
  context: MessageContext,
): Promise<'saved' | 'email'> {
  return store.transaction(async (tx, publish) => {
    if (await isTaken(tx, id, email)) return 'email'
    await tx.query(
      `INSERT INTO users (id, email, name, address, owner) VALUES ($1, $2, $3, $4, 'users')
      ON CONFLICT (id) DO UPDATE SET email = excluded.email, name = excluded.name, address = excluded.address,
        owner = 'users'`,
      [id, email, name, address],
    )
    publish(UserChanged({ id, email, name }, context))
    return 'saved'
  })
}

/** Of two that want one address at once, the second waits here for the end of the first. */
async function isTaken(tx: Sql, id: string, email: string): Promise<boolean> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended(lower($1), 0))', [email])
  const { rowCount } = await tx.query('SELECT FROM users WHERE email_key = lower($1) AND id <> $2', [email, id])
  return (rowCount ?? 0) > 0
}
