import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { PostgresBinaries } from './binaries.ts'
import { type Identity, identity } from './identity.ts'

const run = promisify(execFile)

export interface Cluster {
  readonly home: string
  readonly data: string
  readonly password: string
  readonly identity: Identity
}

/** What PostgreSQL's programs need of the environment; nothing of the user's own PG* settings reaches them. */
export const environment = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', LANG: 'C', TZ: 'UTC', PGTZ: 'UTC' }

/**
 * Makes sure that `home` holds a data folder and the password of its superuser, `postgres`. May be repeated; a run that
 * was killed half-way leaves nothing that a later one would trip over.
 */
export async function cluster(home: string, binaries: PostgresBinaries): Promise<Cluster> {
  const data = join(home, 'pgdata')
  const secret = join(home, 'pg-admin.secret')
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const who = identity()
  if (!existsSync(join(data, 'PG_VERSION'))) await initialise(home, data, secret, binaries, who)
  return { home, data, password: readFileSync(secret, 'utf8').trim(), identity: who }
}

async function initialise(home: string, data: string, secret: string, binaries: PostgresBinaries, who: Identity) {
  // initdb writes PG_VERSION early and outlives us when we are killed: so it works beside, and a rename completes it.
  for (const name of readdirSync(home)) {
    if (name.startsWith('pgdata')) rmSync(join(home, name), { recursive: true, force: true })
  }
  const fresh = `${data}.${process.pid}`
  const passwordFile = join(home, 'pg-init.secret')
  mkdirSync(fresh, { mode: 0o700 })
  writeFileSync(secret, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 })
  writeFileSync(passwordFile, readFileSync(secret), { mode: 0o600 })
  if (who.owner !== null) {
    chmodSync(home, 0o711)
    for (const path of [fresh, passwordFile]) chownSync(path, who.owner, who.owner)
  }
  const locale =
    binaries.major >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'] : ['--locale=C']
  const words = ['-D', fresh, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8']
  const [program = '', ...rest] = [...who.wrap, join(binaries.bin, 'initdb'), ...words, ...locale, '--no-sync']
  try {
    await run(program, rest, { env: environment, cwd: home })
  } finally {
    rmSync(passwordFile, { force: true })
  }
  renameSync(fresh, data)
}
