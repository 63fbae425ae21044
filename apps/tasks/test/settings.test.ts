import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { UnusableSettings } from '../../../engines/application/settings.ts'
import { temporaryPostgres } from '../../../engines/postgres/server.ts'
import { migrateAll } from '../system/databases.ts'
import { settingsOf } from '../system/settings.ts'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))

/** What the program says to settings that it cannot follow, in a folder of its own. */
function started(settings: Record<string, string>) {
  const home = mkdtempSync(join(tmpdir(), 'estafet-tasks-'))
  try {
    const env = { ...process.env, TASKS_HOME: home, ...settings }
    const { status, stderr } = spawnSync(process.execPath, ['--conditions=estafet-source', main], { env })
    return { status, says: stderr.toString(), hasDatabase: existsSync(join(home, 'pgdata')) }
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

test('a PostgreSQL that lets nobody in ends the program with a sentence, without the password', () => {
  const { status, says } = started({ POSTGRES_URL: 'postgres://me:not-for-logs@127.0.0.1:1/postgres' })
  assert.equal(status, 2)
  assert.match(says, /^POSTGRES_URL: PostgreSQL at 127\.0\.0\.1:1 lets nobody in \(ECONNREFUSED\)\.$/m)
  assert.doesNotMatch(says, /not-for-logs|\n {4}at /)
})

test('a port that is taken ends the program before there is an administrator', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve))
  const address = other.address()
  assert.ok(typeof address === 'object' && address !== null)
  const { status, says, hasDatabase } = started({ PORT: String(address.port) })
  await new Promise((resolve) => other.close(resolve))
  assert.deepEqual([status, hasDatabase], [2, false])
  assert.match(says, new RegExp(`^PORT: ${address.port} cannot be had \\(EADDRINUSE\\)\\.$`, 'm'))
})

test('a schema that somebody changed ends the program with its code, the database and what differs', async () => {
  const server = await temporaryPostgres()
  try {
    await migrateAll({ says: 'it', application: 'tasks', adminUrl: server.adminUrl, stop: () => server.stop() })
    const url = new URL(server.adminUrl)
    url.pathname = '/team_notifications'
    const client = new pg.Client({ connectionString: url.href })
    await client.connect()
    await client.query('ALTER TABLE estafet.outbox ADD COLUMN of_ours int')
    await client.end()
    const { status, says } = started({ POSTGRES_URL: server.adminUrl, EVENTS_BROKER: 'postgres' })
    assert.equal(status, 1)
    assert.match(says, /^SCHEMA_DRIFT: In the database team_notifications: .*of_ours/m)
    assert.doesNotMatch(says, /\n {4}at /)
  } finally {
    await server.stop()
  }
})

const refused: readonly (readonly [string, string])[] = [
  ['POSTGRES_URL', 'http://me:secret@localhost/postgres'],
  // The passwords of the services would be known to whoever knows this program.
  ['POSTGRES_URL', 'postgres://me@localhost/postgres'],
  ['NOTIFY_WEBHOOK_URL', 'https://me:secret@example.com/hook'],
  ['NOTIFY_WEBHOOK_URL', 'file:///etc/passwd'],
  ['TASKS_HOME', ''],
  ['KAFKA_BROKERS', 'localhost'],
]
for (const [name, value] of refused) {
  test(`${name}=${value.replace('secret', '...')} is refused by its name, and not told`, () => {
    assert.throws(
      () => settingsOf({ [name]: value }),
      (error) =>
        error instanceof UnusableSettings && error.message.startsWith(`${name}: `) && !error.message.includes('secret'),
    )
  })
}
