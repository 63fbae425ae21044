import { randomBytes } from 'node:crypto'
import { EstafetError } from '../../message/errors.ts'
import type { Eraser, Opened, Vault } from '../../ports/vault.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'
import { decrypt, encrypt, keyBytes } from './vault-cipher.ts'

/** What the keys of persons are sealed with; it is not in the database. */
export interface VaultSecret {
  /** Stands with each key, so that secrets can be changed: 1 to 100 characters. */
  readonly id: string
  /** 32 bytes of chance. */
  readonly key: Uint8Array
}

export interface VaultOptions {
  /** The first one seals new keys; the others open older ones. */
  readonly secrets: readonly [VaultSecret, ...VaultSecret[]]
}

/**
 * Keys of persons in a PostgreSQL database that `migrate` has set up, for all services that share its secrets. `sql` is a pool
 * of its own, small, whose role is a member of the database's `vault` role, and of `eraser` to erase: it is asked while
 * transactions of others hold their clients.
 *
 * Throws MISCONFIGURED for secrets that are none.
 */
export function postgresVault(sql: Sql, { secrets }: VaultOptions): Vault & Eraser<Sql> {
  refuseFaults(secrets)
  const [newest] = secrets
  const byId = new Map(secrets.map((secret) => [secret.id, secret]))

  async function known(subjects: readonly string[]): Promise<Map<string, StoredKey>> {
    const rows = await run<StoredKey>(sql, {
      name: 'estafet-vault-keys',
      text: 'SELECT k.subject, k.wrapped, k.secret_id FROM estafet.subject_key AS k WHERE k.subject = ANY($1::text[])',
      values: [subjects],
    })
    return new Map(rows.map((row) => [row.subject, row]))
  }

  async function make(subjects: readonly string[]): Promise<void> {
    const sorted = [...subjects].sort()
    await run(sql, {
      name: 'estafet-vault-make',
      text: `INSERT INTO estafet.subject_key (subject, wrapped, secret_id)
        SELECT n.subject, n.wrapped, $3 FROM unnest($1::text[], $2::bytea[]) AS n (subject, wrapped)
        ON CONFLICT (subject) DO NOTHING`,
      values: [sorted, sorted.map((subject) => encrypt(newest.key, subject, randomBytes(keyBytes))), newest.id],
    })
  }

  /** The key of a person; null for who was erased. Throws MISCONFIGURED when no secret of ours opens it. */
  function keyOf({ subject, wrapped, secret_id }: StoredKey): Buffer | null {
    if (wrapped === null) return null
    const secret = byId.get(secret_id ?? '')
    const key = secret === undefined ? null : decrypt(secret.key, subject, wrapped)
    if (key === null) throw unknownSecret(secret_id ?? '')
    return key
  }

  return {
    async seal(values) {
      if (values.length === 0) return []
      const subjects = [...new Set(values.map(({ subject }) => subject))]
      let keys = await known(subjects)
      const fresh = subjects.filter((subject) => !keys.has(subject))
      if (fresh.length > 0) {
        await make(fresh)
        // Another process may have been first: its key counts.
        keys = await known(subjects)
      }
      return values.map(({ subject, place, text }) => {
        const stored = keys.get(subject)
        const key = stored === undefined ? null : keyOf(stored)
        return key === null ? null : encrypt(key, boundTo(subject, place), Buffer.from(text)).toString('base64')
      })
    },

    async open(values) {
      if (values.length === 0) return []
      const stored = await known([...new Set(values.map(({ subject }) => subject))])
      return values.map(({ subject, place, sealed }): Opened => {
        const row = stored.get(subject)
        const key = row === undefined ? undefined : keyOf(row)
        if (key === null) return { kind: 'erased' }
        const clear = key === undefined ? null : decrypt(key, boundTo(subject, place), Buffer.from(sealed, 'base64'))
        return clear === null ? { kind: 'refused' } : { kind: 'opened', text: clear.toString('utf8') }
      })
    },

    async erase(tx, subject) {
      const rows = await run(tx, {
        name: 'estafet-vault-erase',
        text: `INSERT INTO estafet.subject_key AS k (subject, erased_at) VALUES ($1, clock_timestamp())
          ON CONFLICT (subject) DO UPDATE SET wrapped = NULL, secret_id = NULL, erased_at = excluded.erased_at
          WHERE k.erased_at IS NULL RETURNING k.subject`,
        values: [subject],
      })
      return rows.length > 0
    },
  }
}

interface StoredKey {
  readonly subject: string
  readonly wrapped: Buffer | null
  readonly secret_id: string | null
}

function boundTo(subject: string, place: string): string {
  return JSON.stringify([subject, place])
}

function refuseFaults(secrets: readonly VaultSecret[]): void {
  const faults: string[] = []
  if (secrets.length === 0) faults.push('there are none')
  for (const { id, key } of secrets) {
    if (!/^[\w.-]{1,100}$/.test(id)) faults.push(`the id ${JSON.stringify(id)} must be 1 to 100 of a-z A-Z 0-9 . _ -`)
    if (key.length !== keyBytes) faults.push(`the secret ${id} has ${key.length} bytes, and must have ${keyBytes}`)
  }
  if (new Set(secrets.map(({ id }) => id)).size < secrets.length) faults.push('two have one id')
  if (faults.length === 0) return
  throw new EstafetError('MISCONFIGURED', `The secrets of the vault are wrong: ${faults.join('; ')}.`)
}

function unknownSecret(id: string): EstafetError {
  return new EstafetError(
    'MISCONFIGURED',
    `A key in the vault is sealed with the secret ${JSON.stringify(id)}, which is not among those given, or is another one.`,
    { details: { secret: id } },
  )
}
