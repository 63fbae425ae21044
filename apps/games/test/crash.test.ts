import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { settingsOf } from '../system/settings.ts'
import { startSystem } from '../system/system.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const home = mkdtempSync(join(tmpdir(), 'estafet-games-'))
after(() => rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }))

test('killed again and again while rows are inserted, the program publishes and consumes each committed row once', async () => {
  const committed: string[] = []
  for (let kill = 0; kill < 2; kill++) {
    const child = await started()
    const inserting = insertUntilTheEnd(committed)
    while (committed.length < (kill + 1) * 150) await sleep(5)
    child.kill('SIGKILL')
    await inserting
  }
  const system = await startSystem(settingsOf({ BROKER: 'postgres', GAMES_HOME: home }), silent)
  try {
    const outbox = async () => (await system.games.pool.query('SELECT id::text, status FROM outbox_events')).rows
    const consumed = async () => (await system.scoreboard.pool.query('SELECT event_id FROM consumed_events')).rows
    const deadline = performance.now() + 30_000
    while ((await consumed()).length < committed.length && performance.now() < deadline) await sleep(50)
    const rows = await outbox()
    // The row whose answer the kill took may be there or not; all whose commit was answered are.
    const ids = rows.map(({ id }) => id).toSorted()
    assert.deepEqual(
      committed.filter((id) => !ids.includes(id)),
      [],
    )
    assert.deepEqual(
      rows.filter(({ status }) => status !== 'sent'),
      [],
    )
    assert.deepEqual((await consumed()).map(({ event_id }) => event_id).toSorted(), ids)
    const chats = await system.scoreboard.pool.query('SELECT sum(games)::int AS games FROM chats')
    assert.deepEqual(chats.rows, [{ games: ids.length }])
  } finally {
    await system.stop()
  }
})

/** `npm start`, ready. */
async function started(): Promise<ChildProcess> {
  const path = fileURLToPath(new URL('../main.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=estafet-source', path], {
    env: { PATH: process.env['PATH'], BROKER: 'postgres', GAMES_HOME: home },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  while (!said.includes('Ctrl-C ends it')) {
    assert.equal(child.exitCode, null, said)
    await sleep(20)
  }
  assert.match(said, /Page {7}http:\/\/127\.0\.0\.1:\d+\//)
  return child
}

/** As the role that the program tells of, whose database goes with it; notes the ids whose commit was answered. */
async function insertUntilTheEnd(committed: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: readFileSync(join(home, 'referee-url'), 'utf8') })
  let hasEnded = false
  client.on('error', () => {
    hasEnded = true
  })
  await client.connect()
  while (!hasEnded) {
    const id = randomUUID()
    try {
      await client.query(
        `INSERT INTO outbox_events (id, event_type, aggregate_type, aggregate_id, payload)
        VALUES ($1, 'game.finished', 'game', $2, jsonb_build_object('game_id', $2::text, 'chat_id', $3::text))`,
        [id, id, `chat-${committed.length % 7}`],
      )
      committed.push(id)
    } catch (error) {
      // What the end of its server looks like; anything else is a fault of the test.
      if (committed.length === 0) throw error
      hasEnded = true
    }
  }
}
