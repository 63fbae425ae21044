import { randomBytes, randomUUID } from 'node:crypto'
import type { PostgresStore } from 'estafet/postgres'
import type { Settings } from '../system/settings.ts'
import { hasAdmin, makeAccount } from './accounts.ts'

export interface FirstAdmin {
  readonly email: string
  /** The one that was generated, to be shown once; null when it was given. */
  readonly password: string | null
}

/** Makes the first administrator. Null when there is one already. */
export async function makeFirstAdmin(
  store: PostgresStore,
  settings: Pick<Settings, 'ADMIN_EMAIL' | 'ADMIN_PASSWORD'>,
): Promise<FirstAdmin | null> {
  if (await hasAdmin(store)) return null
  const { ADMIN_EMAIL: email, ADMIN_PASSWORD: given } = settings
  const password = given ?? randomBytes(15).toString('base64url')
  const context = { correlationId: `first-admin-${randomUUID()}` }
  const made = await makeAccount(store, { email, password, name: 'Administrator', role: 'admin' }, context)
  if (made === null) return null
  return { email, password: given === undefined ? password : null }
}
