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
  /** After how long keys that do not come are UNAVAILABLE. (Default: 5 s.) */
  readonly patienceMs?: number
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
export function postgresVault(sql: Sql, { secrets, patienceMs = 5_000 }: VaultOptions): Vault & Eraser<Sql> {
  refuseFaults(secrets)
  const [newest] = secrets
  const byId = new Map(secrets.map((secret) => [secret.id, secret]))

  async function known(subjects: readonly string[]): Promise<Map<string, StoredKey>> {
    const rows = await inTime(
      patienceMs,
      run<StoredKey>(sql, {
        name: 'estafet-vault-keys',
        text: 'SELECT k.subject, k.wrapped, k.secret_id FROM estafet.subject_key AS k WHERE k.subject = ANY($1::text[])',
        values: [subjects],
      }),
    )
    return new Map(rows.map((row) => [row.subject, row]))
  }

  async function make(subjects: readonly string[]): Promise<void> {
    const sorted = [...subjects].sort()
    await inTime(
      patienceMs,
      run(sql, {
        name: 'estafet-vault-make',
        text: `INSERT INTO estafet.subject_key (subject, wrapped, secret_id)
        SELECT n.subject, n.wrapped, $3 FROM unnest($1::text[], $2::bytea[]) AS n (subject, wrapped)
        ON CONFLICT (subject) DO NOTHING`,
        values: [sorted, sorted.map((subject) => encrypt(newest.key, subject, randomBytes(keyBytes))), newest.id],
      }),
    )
  }

  /** The key of a person; null for who was erased, undefined when no secret of ours opens it. */
  function keyOf({ subject, wrapped, secret_id }: StoredKey): Buffer | null | undefined {
    if (wrapped === null) return null
    const secret = byId.get(secret_id ?? '')
    return (secret === undefined ? null : decrypt(secret.key, subject, wrapped)) ?? undefined
  }

  function keysOf(rows: ReadonlyMap<string, StoredKey>): ReadonlyMap<string, Buffer | null | undefined> {
    return new Map([...rows].map(([subject, row]) => [subject, keyOf(row)]))
  }

  return {
    async seal(values) {
      if (values.length === 0) return []
      const subjects = [...new Set(values.map(({ subject }) => subject))]
      let stored = await known(subjects)
      const fresh = subjects.filter((subject) => !stored.has(subject))
      if (fresh.length > 0) {
        await make(fresh)
        // Another process may have been first: its key counts.
        stored = await known(subjects)
      }
      const keys = keysOf(stored)
      return values.map(({ subject, place, text }) => {
        const key = keys.get(subject)
        if (key === undefined) throw unknownSecret(stored.get(subject)?.secret_id ?? '')
        return key === null ? null : encrypt(key, boundTo(subject, place), Buffer.from(text)).toString('base64')
      })
    },

    async open(values) {
      if (values.length === 0) return []
      const stored = await known([...new Set(values.map(({ subject }) => subject))])
      const keys = keysOf(stored)
      return values.map(({ subject, place, sealed }): Opened => {
        const key = keys.get(subject)
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

/** A pool that is used up, a lock, a server that does not answer: who waits holds a lane, and says nothing. */
async function inTime<Result>(patienceMs: number, asked: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLate(patienceMs)), patienceMs)
  })
  // Whichever comes second has nobody to tell.
  asked.catch(() => {})
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
  }
}

function tooLate(patienceMs: number): EstafetError {
  return new EstafetError(
    'UNAVAILABLE',
    `The keys of the vault did not come within ${patienceMs} ms: its database does not answer, or its pool is used up.`,
  )
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
