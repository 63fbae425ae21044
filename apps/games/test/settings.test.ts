import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { settingsOf, UnusableSettings } from '../system/settings.ts'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))

test('a PostgreSQL that lets nobody in ends the program with a sentence, without the password', () => {
  const home = mkdtempSync(join(tmpdir(), 'estafet-games-'))
  const POSTGRES_URL = 'postgres://me:not-for-logs@127.0.0.1:1/postgres'
  const env = { ...process.env, GAMES_HOME: home, POSTGRES_URL }
  const { status, stderr } = spawnSync(process.execPath, ['--conditions=estafet-source', main], { env })
  rmSync(home, { recursive: true, force: true })
  const says = stderr.toString()
  assert.equal(status, 2)
  assert.match(says, /^POSTGRES_URL: PostgreSQL at 127\.0\.0\.1:1 lets nobody in \(ECONNREFUSED\)\.$/m)
  assert.doesNotMatch(says, /not-for-logs|\n {4}at /)
})

const refused: readonly (readonly [string, string])[] = [
  ['POSTGRES_URL', 'http://me:secret@localhost/postgres'],
  // The passwords of the services would be known to whoever knows this program.
  ['POSTGRES_URL', 'postgres://me@localhost/postgres'],
  ['GAMES_HOME', ''],
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
