import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { addressOf } from '../../../engines/application/database-server.ts'
import { settingsOf } from '../system/settings.ts'
import { type System, startSystem } from '../system/system.ts'
import { topicMessages } from '../web/topic.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const home = mkdtempSync(join(tmpdir(), 'estafet-games-'))

describe('the outbox, on the embedded default', () => {
  let system: System
  let referee: pg.Client
  let admin: pg.Client
  before(async () => {
    system = await startSystem(settingsOf({ BROKER: 'postgres', GAMES_HOME: home }), silent)
    referee = await connected('games', 'referee')
    const url = new URL(system.server.adminUrl)
    url.pathname = '/broker'
    admin = new pg.Client({ connectionString: url.href })
    await admin.connect()
  })
  after(async () => {
    await Promise.all([referee?.end(), admin?.end()])
    await system?.stop()
    rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  })

  async function connected(database: string, role: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: addressOf(system.server, database, role) })
    await client.connect()
    return client
  }

  const valuesOf = (row: Partial<Row> = {}): unknown[] => {
    const game = row.aggregate_id ?? `g-${randomUUID()}`
    const { id = randomUUID(), event_type = 'game.finished', aggregate_type = 'game' } = row
    const { payload = { game_id: game, chat_id: 'c-1' }, idempotency_key = null } = row
    return [id, event_type, aggregate_type, game, JSON.stringify(payload), idempotency_key]
  }
  const text = `INSERT INTO outbox_events (id, event_type, aggregate_type, aggregate_id, payload, idempotency_key)
    VALUES ($1, $2, $3, $4, $5, $6)`
  const insert = (row: Partial<Row> = {}, by: pg.Client = referee) => by.query(text, valuesOf(row))

  const rowOf = async (id: string) =>
    (await system.games.pool.query('SELECT * FROM outbox_events WHERE id = $1', [id])).rows[0]
  const consumed = async (ids: readonly string[], group = 'scoreboard') =>
    (
      await system.scoreboard.pool.query(
        `SELECT event_id, event_type, topic, partition, kafka_offset::text, consumed_at FROM consumed_events
        WHERE consumer_group = $1 AND event_id = ANY ($2) ORDER BY partition, kafka_offset`,
        [group, ids],
      )
    ).rows
  const inTopic = async (ids: readonly string[]) =>
    (await topicMessages(system.broker.topic().feed, 1000)).filter(({ id }) => ids.includes(id))

  test('a row inserted by plain SQL becomes one message and has its effect once, at the place of the message', async () => {
    const id = randomUUID()
    await insert({ id, aggregate_id: 'plain', payload: { game_id: 'plain', chat_id: 'plain-chat' } })
    await eventually(async () => (await consumed([id])).length === 1)
    const { status, publish_attempts, last_error, published_at, created_at } = await rowOf(id)
    assert.deepEqual([status, publish_attempts, last_error], ['sent', 1, null])
    assert.ok(published_at >= created_at)
    const [message, ...others] = await inTopic([id])
    assert.deepEqual(others, [])
    assert.deepEqual(
      (await consumed([id])).map(({ consumed_at: _, ...row }) => row),
      [
        {
          ...{ event_id: id, event_type: 'game.finished', topic: 'game-events' },
          ...{ partition: message?.partition, kafka_offset: message?.offset },
        },
      ],
    )
    const chats = await system.scoreboard.pool.query(`SELECT games FROM chats WHERE chat_id = 'plain-chat'`)
    assert.deepEqual(chats.rows, [{ games: 1 }])
  })

  test('ids may be whole numbers, and several rows of one statement are all published', async () => {
    const ids = [randomUUID(), randomUUID(), randomUUID()]
    await referee.query(
      `INSERT INTO outbox_events (id, event_type, aggregate_type, aggregate_id, payload)
      SELECT id, 'game.finished', 'game', n::text, jsonb_build_object('game_id', n, 'chat_id', -1001234567890)
      FROM unnest($1::uuid[]) WITH ORDINALITY AS r (id, n)`,
      [ids],
    )
    await eventually(async () => (await consumed(ids)).length === 3)
    const chats = await system.scoreboard.pool.query(`SELECT games FROM chats WHERE chat_id = '-1001234567890'`)
    assert.deepEqual(chats.rows, [{ games: 3 }])
  })

  test('a transaction that rolls back publishes nothing', async () => {
    const [undone, done] = [randomUUID(), randomUUID()]
    await referee.query('BEGIN')
    await insert({ id: undone })
    await referee.query('ROLLBACK')
    await insert({ id: done })
    await eventually(async () => (await consumed([done])).length === 1)
    assert.equal(await rowOf(undone), undefined)
    assert.deepEqual([await inTopic([undone]), await consumed([undone])], [[], []])
  })

  test('a row that commits late is not missed, and holds up those behind it until it is known', async () => {
    const [late, early] = [randomUUID(), randomUUID()]
    const slow = await connected('games', 'referee')
    await slow.query('BEGIN')
    await insert({ id: late }, slow)
    await insert({ id: early })
    // The relay has every chance to run past the gap.
    await sleep(700)
    assert.equal((await rowOf(early)).status, 'new')
    await slow.query('COMMIT')
    await slow.end()
    await eventually(async () => (await consumed([late, early])).length === 2)
    assert.equal((await inTopic([late, early])).length, 2)
  })

  const refused: readonly (readonly [string, Partial<Row>])[] = [
    ['payload_needs_game_id', { aggregate_id: '', payload: { game_id: '', chat_id: 'c' } }],
    ['payload_needs_chat_id', { aggregate_id: 'g', payload: { game_id: 'g' } }],
    ['payload_needs_chat_id', { aggregate_id: 'g', payload: { game_id: 'g', chat_id: 1.5 } }],
    ['payload_needs_chat_id', { aggregate_id: 'g', payload: { game_id: 'g', chat_id: { id: 1 } } }],
    ['payload_wants_nothing_else', { aggregate_id: 'g', payload: { game_id: 'g', chat_id: 'c', score: 3 } }],
    ['payload_needs_chat_id', { aggregate_id: 'g', payload: [1] }],
    ['aggregate_id_is_the_game_id', { aggregate_id: 'g', payload: { game_id: 'other', chat_id: 'c' } }],
    ['aggregate_type_is_game', { aggregate_type: 'chat' }],
    ['event_type_is_game_finished', { event_type: 'game.started' }],
    ['idempotency_key_is_short', { idempotency_key: '' }],
  ]
  for (const [constraint, row] of refused) {
    test(`a row is refused by ${constraint}: ${JSON.stringify(row)}`, async () => {
      const id = randomUUID()
      await assert.rejects(insert({ ...row, id }), { code: '23514', constraint })
      assert.equal(await rowOf(id), undefined)
    })
  }

  test('a row that says it was sent is refused', async () => {
    await assert.rejects(
      referee.query(
        `INSERT INTO outbox_events (event_type, aggregate_type, aggregate_id, payload, status, published_at)
        VALUES ('game.finished', 'game', 'g', '{"game_id": "g", "chat_id": "c"}', 'sent', now())`,
      ),
      /begins as new/,
    )
  })

  test('an idempotency key that was used is refused, or ignored where the inserter says so', async () => {
    const [id, again] = [randomUUID(), randomUUID()]
    await insert({ id, idempotency_key: 'key-1' })
    await assert.rejects(insert({ id: again, idempotency_key: 'key-1' }), { code: '23505' })
    const ignored = await referee.query(
      `${text} ON CONFLICT DO NOTHING`,
      valuesOf({ id: again, idempotency_key: 'key-1' }),
    )
    assert.equal(ignored.rowCount, 0)
    await eventually(async () => (await consumed([id])).length === 1)
    assert.deepEqual(await inTopic([again]), [])
  })

  test('who may insert may do nothing else', async () => {
    const forbidden = [
      'SELECT id FROM outbox_events',
      `UPDATE outbox_events SET status = 'new'`,
      'DELETE FROM outbox_events',
      'SELECT FROM estafet.outbox',
      `SELECT estafet.publish(ARRAY[gen_random_uuid()], ARRAY['any.type'], ARRAY[1::smallint], ARRAY['any'], ARRAY['k'],
        ARRAY[NULL], ARRAY[NULL], ARRAY[NULL], ARRAY[NULL], ARRAY['{}'], false)`,
      `CREATE TRIGGER mine AFTER INSERT ON outbox_events REFERENCING NEW TABLE AS inserted
        FOR EACH STATEMENT EXECUTE FUNCTION publish_outbox_events()`,
      'CREATE TABLE mine (id int)',
    ]
    for (const statement of forbidden) await assert.rejects(referee.query(statement), { code: '42501' }, statement)
  })

  test('a broker that refuses shows in attempts and error, and the row is sent once it does not', async () => {
    const id = randomUUID()
    await admin.query('REVOKE EXECUTE ON FUNCTION estafet.send FROM estafet_relay_broker')
    await insert({ id })
    await eventually(async () => (await rowOf(id)).publish_attempts >= 2)
    const { status, published_at, last_error } = await rowOf(id)
    assert.deepEqual([status, published_at], ['new', null])
    assert.match(last_error, /\S/)
    await admin.query('GRANT EXECUTE ON FUNCTION estafet.send TO estafet_relay_broker')
    await eventually(async () => (await rowOf(id)).status === 'sent')
    assert.equal((await inTopic([id])).length, 1)
  })

  test('a new group reads the topic from the beginning, and the effects of the old one stay', async () => {
    const all = async (group: string) =>
      (
        await system.scoreboard.pool.query(
          'SELECT event_id, partition, kafka_offset::text FROM consumed_events WHERE consumer_group = $1 ORDER BY event_id',
          [group],
        )
      ).rows
    const last = randomUUID()
    await insert({ id: last })
    await eventually(async () => (await consumed([last])).length === 1)
    const before = await system.scoreboard.pool.query(`SELECT * FROM consumed_events ORDER BY event_id`)
    await system.startGroup('again')
    await eventually(async () => (await all('again')).length === before.rows.length)
    assert.deepEqual(await all('again'), await all('scoreboard'))
    const after = await system.scoreboard.pool.query(
      `SELECT * FROM consumed_events WHERE consumer_group = 'scoreboard' ORDER BY event_id`,
    )
    assert.deepEqual(after.rows, before.rows)
  })

  test('a second program on the same folder is refused', async () => {
    const settings = settingsOf({ BROKER: 'postgres', GAMES_HOME: home })
    await assert.rejects(startSystem(settings, silent), /is in use/)
  })
})

test('while the broker cannot be reached, rows wait and say why', async () => {
  const away = mkdtempSync(join(tmpdir(), 'estafet-games-'))
  // Nothing listens there.
  const system = await startSystem(settingsOf({ KAFKA_BROKERS: '127.0.0.1:9', GAMES_HOME: away }), silent)
  try {
    await system.games.pool.query(
      `INSERT INTO outbox_events (event_type, aggregate_type, aggregate_id, payload)
      VALUES ('game.finished', 'game', 'g', '{"game_id": "g", "chat_id": "c"}')`,
    )
    const row = async () => (await system.games.pool.query('SELECT * FROM outbox_events')).rows[0]
    await eventually(async () => (await row()).last_error !== null)
    const { status, publish_attempts, last_error } = await row()
    assert.deepEqual([status, publish_attempts], ['new', 0])
    assert.match(last_error, /^UNAVAILABLE: /)
    assert.equal(await system.isReady(), false)
  } finally {
    await system.stop()
    rmSync(away, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
})

interface Row {
  readonly id: string
  readonly event_type: string
  readonly aggregate_type: string
  readonly aggregate_id: string
  readonly payload: unknown
  readonly idempotency_key: string | null
}

async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error('not seen within 30 s')
    await sleep(25)
  }
}
