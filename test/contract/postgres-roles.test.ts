import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type EventType, event, isEstafetError } from 'estafet'
import {
  checkMigrations,
  migrate,
  postgres,
  postgresLog,
  postgresVault,
  publish,
  type VaultOptions,
} from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { allPostgres } from '../../engines/postgres/binaries.ts'
import { provisionDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { sample } from '../../src/contract/message.ts'
import { failure } from '../../src/contract/parking-driver.ts'
import { booking, change, newSaga, step } from '../../src/contract/sagas-driver.ts'
import { postgresEventStore } from '../../src/drivers/postgres/event-store.ts'
import { postgresFlowSearch } from '../../src/drivers/postgres/flow-search.ts'
import { postgresFlows } from '../../src/drivers/postgres/flows.ts'
import { postgresHoldSearch } from '../../src/drivers/postgres/hold-search.ts'
import { postgresParking } from '../../src/drivers/postgres/parking.ts'
import { postgresReservations } from '../../src/drivers/postgres/reservations.ts'
import { postgresRetries } from '../../src/drivers/postgres/retries.ts'
import { postgresSagaSearch } from '../../src/drivers/postgres/saga-search.ts'
import { postgresSagas } from '../../src/drivers/postgres/sagas.ts'
import { postgresSemanticLocks } from '../../src/drivers/postgres/semantic-locks.ts'

const Placed: EventType<string> = event('order.placed', { version: 1, schema: z.string(), key: (text) => text })
const owner = { name: 'orders_owner', password: 'a' }
const logins = ['orders', 'inventory', 'mailing', 'privacy'].map((name) => ({ name, password: 'b' }))

for (const binaries of allPostgres()) {
  describe(`roles and migrations on ${binaries.name}`, () => {
    let server: PostgresServer
    const pools: pg.Pool[] = []
    const as = (role: string, password: string): pg.Pool => {
      const pool = new pg.Pool({ connectionString: server.url('orders', role, password), max: 3 })
      pool.on('error', () => {})
      pools.push(pool)
      return pool
    }
    const code = async (promise: Promise<unknown>): Promise<unknown> =>
      promise.then(
        () => 'allowed',
        (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
      )
    const withOwner = async <Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> => {
      const client = new pg.Client({ connectionString: server.url('orders', owner.name, owner.password) })
      await client.connect()
      try {
        return await work(client)
      } finally {
        await client.end()
      }
    }

    before(async () => {
      server = await temporaryPostgres({ binaries })
      await provisionDatabase(server.adminUrl, { database: 'orders', owner, logins })
      await withOwner((client) =>
        migrate(client, { services: ['orders'], readers: ['inventory'], vaults: ['mailing'], erasers: ['privacy'] }),
      )
    })
    after(async () => {
      await Promise.all(pools.map((pool) => pool.end()))
      await server.stop()
    })

    test('a service can publish through the function only', async () => {
      const pool = as('orders', 'b')
      await postgres(pool).transaction(async (_, write) => write(Placed('A')))
      for (const text of [
        `INSERT INTO estafet.outbox SELECT * FROM estafet.outbox`,
        `UPDATE estafet.outbox SET payload = '1'`,
        `DELETE FROM estafet.outbox`,
        `SELECT nextval('estafet.outbox_position')`,
        `SELECT estafet.new_epoch()`,
        `SELECT setval('estafet.outbox_position', 1)`,
        `ALTER TABLE estafet.lane ADD COLUMN x int`,
      ]) {
        assert.equal(await code(pool.query(text)), '42501', text)
      }
    })

    test('keys of persons are for vaults alone, only an eraser erases, and who was erased stays so', async () => {
      const secrets: VaultOptions['secrets'] = [{ id: '1', key: new Uint8Array(32).fill(1) }]
      const [mailing, privacy] = [as('mailing', 'b'), as('privacy', 'b')]
      const vault = postgresVault(mailing, { secrets })
      const value = { subject: 'c-1', place: 'p', text: '"Ada"' }
      const [sealed] = await vault.seal([value])
      const opened = async (): Promise<unknown> =>
        (await postgresVault(privacy, { secrets }).open([{ ...value, sealed: sealed ?? '' }]))[0]
      assert.deepEqual(await opened(), { kind: 'opened', text: '"Ada"' })
      for (const role of ['orders', 'inventory']) {
        assert.equal(await code(as(role, 'b').query('SELECT FROM estafet.subject_key')), '42501', role)
      }
      for (const text of [
        `UPDATE estafet.subject_key SET wrapped = NULL, secret_id = NULL, erased_at = now()`,
        'DELETE FROM estafet.subject_key',
        'TRUNCATE estafet.subject_key',
      ]) {
        assert.equal(await code(mailing.query(text)), '42501', text)
      }
      const forOthers = `INSERT INTO estafet.subject_key (subject, erased_at) VALUES ('c-later', now())`
      assert.equal(await code(mailing.query(forOthers)), '42501')
      const erase = () =>
        postgres(privacy).unitOfWork.run((tx) => postgresVault(privacy, { secrets }).erase(tx, value.subject))
      assert.equal(await erase(), true)
      assert.deepEqual(await opened(), { kind: 'erased' })
      for (const text of ['DELETE FROM estafet.subject_key', `UPDATE estafet.subject_key SET subject = 'c-2'`]) {
        assert.equal(await code(privacy.query(text)), '42501', text)
      }
      const again = `UPDATE estafet.subject_key SET wrapped = 'x', secret_id = '1', erased_at = NULL`
      assert.equal(await code(privacy.query(again)), '23001')
      for (const text of [again, 'DELETE FROM estafet.subject_key', 'TRUNCATE estafet.subject_key']) {
        assert.equal(await withOwner((client) => code(client.query(text))), '23001', text)
      }
    })

    test('a vault with another secret says so, and one whose secret was replaced opens what it sealed', async () => {
      const pool = as('mailing', 'b')
      const [old, next] = [1, 2].map((n) => ({ id: `s-${n}`, key: new Uint8Array(32).fill(n) }))
      assert.ok(old !== undefined && next !== undefined)
      const value = { subject: 'c-9', place: 'p', text: '1' }
      const [sealed = null] = await postgresVault(pool, { secrets: [old] }).seal([value])
      const request = { ...value, sealed: sealed ?? '' }
      assert.deepEqual(await postgresVault(pool, { secrets: [next, old] }).open([request]), [
        { kind: 'opened', text: '1' },
      ])
      for (const secrets of [[next], [{ ...next, id: old.id }]] as const) {
        const other = postgresVault(pool, { secrets: [secrets[0]] })
        // For the message alone that has it: a key that somebody else put there must not stop the others.
        assert.deepEqual(await other.open([request]), [{ kind: 'refused' }])
        await assert.rejects(other.seal([value]), { code: 'MISCONFIGURED' })
      }
      assert.throws(() => postgresVault(pool, { secrets: [{ id: 'a b', key: new Uint8Array(31) }] }), {
        code: 'MISCONFIGURED',
        message: /must be 1 to 100 of .*; the secret a b has 31 bytes, and must have 32/,
      })
    })

    test('keys that do not come are UNAVAILABLE, and nobody waits for them', async () => {
      const pool = new pg.Pool({ connectionString: server.url('orders', 'mailing', 'b'), max: 1 })
      const busy = await pool.connect()
      const vault = postgresVault(pool, { secrets: [{ id: '1', key: new Uint8Array(32) }], patienceMs: 50 })
      try {
        const value = { subject: 'c', place: 'p', text: '1' }
        await assert.rejects(vault.seal([value]), { code: 'UNAVAILABLE' })
        await assert.rejects(vault.open([{ ...value, sealed: 'x' }]), { code: 'UNAVAILABLE' })
      } finally {
        busy.release()
        await pool.end()
      }
    })

    test('a service can append events through the function only, nobody can change them, and readers see none', async () => {
      const pool = as('orders', 'b')
      const events = postgresEventStore(pool, { source: 'orders' })
      const { topic: _, key: __, ...event } = sample(1)
      await postgres(pool).transaction(async (tx) => {
        const stream = { type: 'order', id: 'o-1' }
        await events.append(tx, [{ stream, expected: 'new', events: [event], appendId: 'a' }])
      })
      for (const text of [
        'INSERT INTO estafet.event SELECT * FROM estafet.event',
        `UPDATE estafet.event SET payload = '1'`,
        'DELETE FROM estafet.event',
        'TRUNCATE estafet.event',
        'DELETE FROM estafet.append_id',
        `SELECT nextval('estafet.event_position')`,
      ]) {
        assert.equal(await code(pool.query(text)), '42501', text)
      }
      await withOwner(async (client) => {
        for (const text of [
          `UPDATE estafet.event SET payload = '1'`,
          'DELETE FROM estafet.event',
          'TRUNCATE estafet.event',
        ]) {
          assert.equal(await code(client.query(text)), 'ESF07', text)
        }
      })
      const { rows } = await pool.query('SELECT * FROM estafet.event_store')
      assert.deepEqual(
        rows.map(({ created_at: _, ...row }) => row),
        [
          {
            ...{ event_id: event.id, aggregate_id: 'o-1', aggregate_type: 'order', event_type: 'sample.taken' },
            ...{ event_data: { number: 1 }, event_version: 1 },
          },
        ],
      )
      for (const view of ['event', 'event_store', 'event_messages', 'event_head', 'snapshots']) {
        assert.equal(await code(as('inventory', 'b').query(`SELECT * FROM estafet.${view}`)), '42501', view)
      }
    })

    test('a service can park messages, try them and apply them, and cannot change what people did', async () => {
      const pool = as('orders', 'b')
      const { lanes, unitOfWork } = postgres(pool)
      const [parking, retries] = [postgresParking(pool), postgresRetries(pool)]
      const group = { subscription: 's', feed: 'f', epoch: 'e', starts: [0n], isNewEpochAccepted: false }
      await lanes.survey(group, { owner: 'me', leaseMs: 60_000, working: [] })
      const lane = await lanes.take(group, 0, 'me', 60_000)
      assert.ok(lane)
      const place = { source: 'orders', epoch: 'e', position: 1n, time: '2026-01-02T03:04:05.678901Z' }
      const message = { ...sample(1, { key: 'k' }), ...place }
      await unitOfWork.run(async (tx) => {
        assert.deepEqual(await parking.hold(tx, lane, ['k']), [])
        await parking.park(tx, lane, [{ message, failure: failure({ kind: 'retry', afterMs: 0, isCounted: true }) }])
      })
      for (const isLast of [false, true]) {
        const attempt = await retries.begin({ group, key: 'k' }, { owner: 'me', serviceVersion: '1' }, 60_000)
        assert.ok(attempt)
        if (isLast) await unitOfWork.run((tx) => retries.applied(tx, attempt))
        else await retries.failed(attempt, failure({ kind: 'retry', afterMs: 0, isCounted: true }))
      }
      assert.equal((await retries.due(group, [0], 1)).load.messages, 0)
      for (const text of [`UPDATE estafet.audit SET who = 'another'`, `DELETE FROM estafet.audit`]) {
        assert.equal(await code(pool.query(text)), '42501', text)
      }
    })

    test('a service can work on its sagas and can delete none, and readers see none', async () => {
      const pool = as('orders', 'b')
      const [sagas, search, { unitOfWork }] = [postgresSagas(), postgresSagaSearch(pool), postgres(pool)]
      const saved = change({ steps: [step('s', { due: 0 })] })
      await unitOfWork.run(async (tx) => {
        assert.equal(await sagas.begin(tx, newSaga('a')), true)
        await sagas.save(tx, 'a', saved)
      })
      await unitOfWork.run(async (tx) => {
        assert.equal(await sagas.claim(tx, [booking]), 'a')
        assert.equal((await sagas.open(tx, 'a'))?.steps.length, 1)
        await sagas.save(tx, 'a', change({ status: 'completed', steps: [step('s', { state: 'done' })] }))
      })
      assert.equal((await search.show('a'))?.status, 'completed')
      assert.equal((await search.summary()).length, 1)
      for (const table of ['saga', 'saga_step']) {
        for (const text of [`DELETE FROM estafet.${table}`, `TRUNCATE estafet.${table}`]) {
          assert.equal(await code(pool.query(text)), '42501', text)
        }
        assert.equal(await code(as('inventory', 'b').query(`SELECT FROM estafet.${table}`)), '42501', table)
      }
    })

    test('a service can reserve, lock for an owner and follow flows, with no more than its own roles', async () => {
      const pool = as('orders', 'b')
      const [reservations, locks, flows] = [postgresReservations(), postgresSemanticLocks(), postgresFlows()]
      const [name, page] = [
        { flow: 'trip', correlationId: 'c' },
        { after: null, limit: 9 },
      ]
      await postgres(pool).unitOfWork.run(async (tx) => {
        for (const owner of ['a', 'b']) {
          await reservations.reserve(tx, owner, [{ resource: 'r', quantity: 1, capacity: 2 }])
          await reservations.confirm(tx, owner)
          await locks.take(tx, owner, owner)
        }
        await reservations.release(tx, 'a')
        await locks.release(tx, 'a')
        const at = '2026-01-01T00:00:00.000000Z'
        await flows.note(tx, name, { source: 's', id: 'm', type: 'trip.requested', at })
        await flows.save(tx, name, { status: 'ended', begunAt: at, lastAt: at, awaited: [], dueAt: null })
        await flows.forget(tx, 100_000)
        assert.deepEqual(await reservations.taken(tx, ['r']), [1])
      })
      const any = { owner: null, resource: null, heldSeconds: null }
      const search = postgresHoldSearch(pool)
      assert.deepEqual((await search.reservations(any, page)).items, [])
      assert.deepEqual((await search.locks(any, page)).items.length, 1)
      assert.equal((await postgresFlowSearch(pool).show(name))?.events.length, 1)
      await postgres(pool).unitOfWork.run((tx) => flows.forget(tx, 0))
      assert.deepEqual(await postgresFlowSearch(pool).summary(), [])
    })

    test('only a commit that published is announced', async () => {
      const store = postgres(as('orders', 'b'))
      const ear = as('inventory', 'b')
      const announcer = store.announcer()
      const hearing = await ear.connect()
      let heard = 0
      hearing.on('notification', () => {
        heard += 1
      })
      await hearing.query('LISTEN estafet')
      for (let times = 0; times < 5; times++) {
        await store.transaction(async (tx) => void (await tx.query('SELECT')))
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      await hearing.query('SELECT')
      assert.equal(heard, 0)
      await store.transaction(async (_, write) => write(Placed('A')))
      while (heard === 0) await hearing.query('SELECT pg_sleep(0.005)')
      hearing.release(true)
      await announcer.close()
    })

    test('a reader sees the views and nothing else', async () => {
      const pool = as('inventory', 'b')
      const { log } = postgresLog(pool, { source: 'orders' })
      assert.equal((await log.positions(0n, 10)).length, 2)
      assert.deepEqual(await log.writers(), [])
      for (const text of [
        `SELECT * FROM estafet.outbox`,
        `SELECT * FROM estafet.lane`,
        `SELECT * FROM estafet.parked_message`,
        `SELECT * FROM estafet.attempt`,
        `SELECT * FROM estafet.reservation`,
        `SELECT * FROM estafet.semantic_lock`,
        `SELECT * FROM estafet.flow`,
        `SELECT * FROM estafet.epoch`,
        `INSERT INTO estafet.outbox_messages (position) VALUES (9)`,
        `SELECT nextval('estafet.outbox_position')`,
      ]) {
        assert.equal(await code(pool.query(text)), '42501', text)
      }
      const client = await pool.connect()
      await client.query('BEGIN')
      assert.equal(await code(publish(client, Placed('B'))), '42501')
      await client.query('ROLLBACK')
      client.release()
    })

    test('several events published at once take one statement, in the user’s own transaction', async () => {
      const client = await as('orders', 'b').connect()
      await client.query('BEGIN')
      const published = await publish(client, Placed('C'), Placed('D'))
      assert.deepEqual(
        published.map(({ position }) => position - (published[0]?.position ?? 0n)),
        [0n, 1n],
      )
      await client.query('ROLLBACK')
      await assert.rejects(publish(client, Placed('C')), (error) => isEstafetError(error, 'NOT_IN_TRANSACTION'))
      client.release()
    })

    test('what cannot be encoded rolls the whole transaction back', async () => {
      const pool = as('orders', 'b')
      const Any = event('order.any', { version: 1, schema: z.any(), key: () => 'k' })
      const before = await pool.query('SELECT last_drawn FROM estafet.outbox_head')
      const failing = postgres(pool).transaction(async (_, write) => write(Any({ n: 1n })))
      await assert.rejects(failing, (error) => isEstafetError(error, 'UNENCODABLE'))
      assert.deepEqual((await pool.query('SELECT last_drawn FROM estafet.outbox_head')).rows, before.rows)
    })

    test('a transaction that is prepared stays the same writer until it ends', async () => {
      const { log } = postgresLog(as('inventory', 'b'), { source: 'orders' })
      const client = await as('orders', 'b').connect()
      await client.query('BEGIN')
      await publish(client, Placed('P'))
      const before = await log.writers()
      await client.query(`PREPARE TRANSACTION 'published'`)
      assert.equal(before.length, 1)
      assert.deepEqual(await log.writers(), before)
      await client.query(`COMMIT PREPARED 'published'`)
      assert.deepEqual(await log.writers(), [])
      client.release()
    })

    test('a caller’s search_path cannot make the publish function run its code', async () => {
      const admin = new pg.Client({ connectionString: server.adminUrl.replace(/postgres$/, 'orders') })
      await admin.connect()
      await admin.query(`CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO orders; CREATE FUNCTION evil.current_setting(text, boolean)
        RETURNS text LANGUAGE sql AS $$ SELECT 'open' $$`)
      await admin.end()
      const client = await as('orders', 'b').connect()
      await client.query('SET search_path = evil, pg_catalog')
      await assert.rejects(publish(client, Placed('E')), (error) => isEstafetError(error, 'NOT_IN_TRANSACTION'))
      client.release()
    })

    test('migrations may be repeated, also by several at once', async () => {
      const all = Array.from({ length: 3 }, () => withOwner((client) => migrate(client, { services: ['orders'] })))
      assert.deepEqual(await Promise.all(all), [{ applied: [] }, { applied: [] }, { applied: [] }])
      await withOwner((client) => checkMigrations(client))
    })

    test('a changed schema is named', async () => {
      await withOwner(async (client) => {
        await client.query('ALTER TABLE estafet.outbox ADD COLUMN extra int')
        for (const check of [checkMigrations(client), migrate(client)]) {
          await assert.rejects(
            check,
            (error) => isEstafetError(error, 'SCHEMA_DRIFT') && error.message.includes('outbox.extra'),
          )
        }
        await client.query('ALTER TABLE estafet.outbox DROP COLUMN extra')
        await client.query(`UPDATE estafet_migrations.migration SET checksum = 'other' WHERE number = 2`)
        await assert.rejects(checkMigrations(client), (error) => isEstafetError(error, 'SCHEMA_DRIFT'))
      })
    })

    test('a log on another timeline is refused, until a new epoch is begun', async () => {
      const { log } = postgresLog(as('inventory', 'b'), { source: 'orders' })
      const before = await log.inspect()
      await withOwner((client) => client.query(`UPDATE estafet.epoch SET timeline = '000000FF'`))
      await assert.rejects(log.inspect(), (error) => isEstafetError(error, 'EPOCH_CHANGED'))
      await assert.rejects(log.positions(0n, 1), (error) => isEstafetError(error, 'EPOCH_CHANGED'))
      await withOwner((client) => client.query('SELECT estafet.new_epoch()'))
      assert.notEqual((await log.inspect()).epoch, before.epoch)
    })

    test('settings that would lose messages are refused', async () => {
      const { log } = postgresLog(as('inventory', 'b'), { source: 'orders' })
      const unsafe = (part: string) => (error: unknown) =>
        isEstafetError(error, 'MISCONFIGURED') && error.message.includes(part)
      await withOwner((client) => client.query('ALTER SEQUENCE estafet.outbox_position CACHE 10'))
      await assert.rejects(log.inspect(), unsafe('CACHE'))
      await withOwner((client) => client.query('ALTER SEQUENCE estafet.outbox_position CACHE 1'))
      const careless = new pg.Pool({
        connectionString: server.url('orders', 'inventory', 'b'),
        options: '-c synchronous_commit=off',
      })
      careless.on('error', () => {})
      pools.push(careless)
      await assert.rejects(postgresLog(careless, { source: 'orders' }).log.inspect(), unsafe('synchronous_commit'))
    })
  })
}
