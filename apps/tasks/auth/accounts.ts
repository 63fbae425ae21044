import { randomUUID } from 'node:crypto'
import type { MessageContext } from 'estafet'
import type { PostgresStore, Sql } from 'estafet/postgres'
import { type roles, UserCreated, UserDeleted, UserUpdated } from '../messages.ts'
import type { Caller, Issued } from '../web/tokens.ts'
import { hashOf, isPassword } from './passwords.ts'

/** An account, as its owner and administrators see it. */
export interface Account {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly role: (typeof roles)[number]
  readonly version: number
  readonly created_at: Date
}

export interface NewAccount {
  readonly email: string
  readonly name: string
  readonly password: string
  readonly role: Account['role']
}

export interface AccountChange {
  readonly name?: string | undefined
  readonly email?: string | undefined
  readonly role?: Account['role'] | undefined
  readonly password?: string | undefined
  /** Refuses the change when the account is at another version. */
  readonly version?: number | undefined
}

const columns = 'id, email, name, role, version, created_at'

/** Makes an account and publishes `user.created`. Null when the address has one already. */
export async function makeAccount(
  store: PostgresStore,
  { email, name, password, role }: NewAccount,
  context: MessageContext,
): Promise<Account | null> {
  const hash = await hashOf(password)
  return await store.transaction(async (tx, publish) => {
    const { rows } = await tx.query<Account>(
      `INSERT INTO account (id, email, name, role, password_hash) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (email) DO NOTHING RETURNING ${columns}`,
      [randomUUID(), email, name, role, hash],
    )
    const [account] = rows
    if (account === undefined) return null
    publish(UserCreated(dataOf(account), context))
    return account
  })
}

/** Whom a token is for, by an address and its password; null when they do not fit. */
export async function signIn(store: PostgresStore, email: string, password: string): Promise<Issued | null> {
  const { rows } = await store.transaction((tx) =>
    tx.query<Caller & { password_version: number; password_hash: string }>(
      'SELECT id, role, password_version, password_hash FROM account WHERE email = $1',
      [email],
    ),
  )
  const [found] = rows
  if (!(await isPassword(password, found?.password_hash ?? null)) || found === undefined) return null
  return { id: found.id, role: found.role, passwordVersion: found.password_version }
}

/** Who somebody with a token is by now; null when his account is gone, or has another password than it had then. */
export async function callerNow(store: PostgresStore, { id, passwordVersion }: Issued): Promise<Caller | null> {
  const { rows } = await store.transaction((tx) =>
    tx.query<Caller>('SELECT id, role FROM account WHERE id = $1 AND password_version = $2', [id, passwordVersion]),
  )
  return rows[0] ?? null
}

/** Whether it is the password of an account. */
export async function hasPassword(store: PostgresStore, id: string, password: string): Promise<boolean> {
  const { rows } = await store.transaction((tx) =>
    tx.query<{ password_hash: string }>('SELECT password_hash FROM account WHERE id = $1', [id]),
  )
  return await isPassword(password, rows[0]?.password_hash ?? null)
}

export async function findAccount(store: PostgresStore, id: string): Promise<Account | null> {
  const { rows } = await store.transaction((tx) =>
    tx.query<Account>(`SELECT ${columns} FROM account WHERE id = $1`, [id]),
  )
  return rows[0] ?? null
}

/** Accounts by id, from the one after `after`. */
export async function listAccounts(
  store: PostgresStore,
  page: { readonly after: string | null; readonly limit: number },
): Promise<readonly Account[]> {
  const { rows } = await store.transaction((tx) =>
    tx.query<Account>(`SELECT ${columns} FROM account WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2`, [
      page.after,
      page.limit,
    ]),
  )
  return rows
}

export type Changed = Account | 'missing' | 'version' | 'email' | 'last-admin'

/**
 * Changes an account and publishes `user.updated`; or says why not, and nothing is written. With another password, the
 * tokens from before it end.
 */
export async function changeAccount(
  store: PostgresStore,
  id: string,
  change: AccountChange,
  context: MessageContext,
): Promise<Changed> {
  const hash = change.password === undefined ? null : await hashOf(change.password)
  return await store.transaction(async (tx, publish) => {
    const { rows } = await tx.query<Account>(`SELECT ${columns} FROM account WHERE id = $1 FOR UPDATE`, [id])
    const [account] = rows
    if (account === undefined) return 'missing'
    if (change.version !== undefined && change.version !== account.version) return 'version'
    if (change.role === 'member' && (await isLastAdmin(tx, account))) return 'last-admin'
    if (change.email !== undefined && (await isTaken(tx, change.email, id))) return 'email'
    const changed = await tx.query<Account>(
      `UPDATE account SET name = coalesce($2, name), email = coalesce($3, email), role = coalesce($4, role),
        password_hash = coalesce($5, password_hash), version = version + 1,
        password_version = password_version + CASE WHEN $5::text IS NULL THEN 0 ELSE 1 END
      WHERE id = $1 RETURNING ${columns}`,
      [id, change.name ?? null, change.email ?? null, change.role ?? null, hash],
    )
    const now = changed.rows[0] ?? account
    publish(UserUpdated(dataOf(now), context))
    return now
  })
}

/** Deletes an account and publishes `user.deleted`; or says why not, and nothing is written. */
export async function deleteAccount(
  store: PostgresStore,
  id: string,
  context: MessageContext,
): Promise<'deleted' | 'missing' | 'last-admin'> {
  return await store.transaction(async (tx, publish) => {
    const { rows } = await tx.query<Account>(`SELECT ${columns} FROM account WHERE id = $1 FOR UPDATE`, [id])
    const [account] = rows
    if (account === undefined) return 'missing'
    if (await isLastAdmin(tx, account)) return 'last-admin'
    await tx.query('DELETE FROM account WHERE id = $1', [id])
    publish(UserDeleted({ user_id: id, version: account.version + 1 }, context))
    return 'deleted'
  })
}

export async function hasAdmin(store: PostgresStore): Promise<boolean> {
  const { rowCount } = await store.transaction((tx) => tx.query(`SELECT FROM account WHERE role = 'admin' LIMIT 1`))
  return (rowCount ?? 0) > 0
}

/** Locks all administrators, so that two of them cannot leave at once. */
async function isLastAdmin(tx: Sql, { role }: Account): Promise<boolean> {
  if (role !== 'admin') return false
  const { rowCount } = await tx.query(`SELECT FROM account WHERE role = 'admin' ORDER BY id FOR UPDATE`)
  return (rowCount ?? 0) < 2
}

async function isTaken(tx: Sql, email: string, by: string): Promise<boolean> {
  const { rowCount } = await tx.query('SELECT FROM account WHERE email = $1 AND id <> $2', [email, by])
  return (rowCount ?? 0) > 0
}

function dataOf({ id, email, name, role, version }: Account) {
  return { user_id: id, email, name, role, version }
}
