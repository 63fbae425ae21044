import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { LogFields } from 'estafet'
import { postgres } from 'estafet/postgres'
import pg from 'pg'
import { temporaryPostgres } from '../../../engines/postgres/server.ts'
import { type Pause, pauseMs, startDelivery } from '../notifications/delivery.ts'
import { migrateAll } from '../system/databases.ts'

const inbox = { name: 'inbox', deliver: () => Promise.resolve() }

/** A delivery from a database, with what it waits for and says; its pauses end at once. */
async function delivered(url: string, until: (pauses: readonly number[]) => boolean) {
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  const [pauses, warnings]: [number[], LogFields[]] = [[], []]
  const ended = new AbortController()
  const pause: Pause = async (ms, signal) => {
    pauses.push(ms)
    if (!until(pauses)) return
    ended.abort()
    if (!signal.aborted) await once(signal, 'abort')
  }
  const note = (_event: string, fields: LogFields = {}): void => void warnings.push(fields)
  const delivery = startDelivery(postgres(pool), inbox, {
    logger: { debug() {}, info() {}, warn: note, error: note },
    pause,
  })
  if (!ended.signal.aborted) await once(ended.signal, 'abort')
  await delivery.stop()
  await pool.end()
  return { pauses, warnings }
}

test('while its database fails, the delivery looks and says so less and less often, down to every 10 s', async () => {
  const { pauses, warnings } = await delivered('postgres://me:none@127.0.0.1:1/none', ({ length }) => length === 9)
  assert.deepEqual(pauses, [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000])
  assert.deepEqual(
    warnings.map((fields) => fields['for_ms']),
    pauses,
  )
  assert.equal(pauseMs(10_000), 10_000)
})

test('after a success it looks as often as before, and says nothing', async () => {
  const server = await temporaryPostgres()
  try {
    await migrateAll({ says: 'it', application: 'tasks', adminUrl: server.adminUrl, stop: () => server.stop() })
    const url = new URL(server.adminUrl)
    url.pathname = '/team_notifications'
    const admin = new pg.Client({ connectionString: url.href })
    await admin.connect()
    await admin.query('ALTER TABLE notification RENAME TO away')
    let back: Promise<unknown> | null = null
    const { pauses } = await delivered(url.href, (so) => {
      if (so.length === 3) back = admin.query('ALTER TABLE away RENAME TO notification')
      return back !== null && so.at(-1) === 100
    })
    await back
    await admin.end()
    assert.deepEqual(pauses.slice(0, 3), [200, 400, 800])
    assert.equal(pauses.at(-1), 100)
  } finally {
    await server.stop()
  }
})
