import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { copyStreams, projection, verifyCopies } from 'estafet'
import { migrate, type PostgresStreams, postgresStreams, project, projections, type Sql } from 'estafet/postgres'
import pg from 'pg'
import { newDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { ended } from '../crash/ended.ts'
import {
  created,
  Moved,
  NameGiven,
  NamesGiven,
  PageSeen,
  UserV1,
  UserV2,
  userCopy,
} from '../unit/event-sourcing/user.ts'
import type { CopyChildOptions } from './copy-child.ts'
import { logger } from './projection-system.ts'

interface Users {
  readonly url: string
  readonly pool: pg.Pool
  readonly streams: PostgresStreams
  /** Users with some events each, more of one than fit into a part. */
  fill(count: number): Promise<void>
  /** What the copies hold, by the view for people, and what they should hold, by nothing of the toolkit. */
  look(): Promise<{ readonly there: Held; readonly wanted: Held }>
}

type Held = Readonly<Record<string, readonly (readonly [version: number, type: string, data: unknown])[]>>

describe('copies of streams in PostgreSQL', () => {
  let server: PostgresServer
  let databases = 0
  const pools: pg.Pool[] = []
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(async () => {
    await Promise.all(pools.map((pool) => pool.end()))
    await server.stop()
  })

  async function users(): Promise<Users> {
    const url = await newDatabase(server.adminUrl, `users_${databases++}`)
    const config: pg.PoolConfig & { pipeline: boolean } = { connectionString: url, max: 12, pipeline: true }
    const pool = new pg.Pool(config)
    pool.on('error', () => {})
    pools.push(pool)
    const owner = await pool.connect()
    await migrate(owner)
    owner.release()
    const streams = postgresStreams(pool, { service: 'users', logger })
    return {
      ...{ url, pool, streams },
      async fill(count) {
        for (let at = 0; at < count; at++) {
          const id = `u-${at}`
          await streams.handle(UserV1, id, [created(id)])
          const many = at === 1 ? 1_200 : 3
          const names = Array.from({ length: many }, (_, n) => NamesGiven({ names: [`${id}-${n}`, `${id}-${n}-b`] }))
          await streams.handle(UserV1, id, [...names, PageSeen({ page: 'home' })])
        }
      },
      async look() {
        const { rows } = await pool.query<{ id: string; version: number; type: string; data: Data; kind: string }>(
          `SELECT aggregate_id AS id, event_version AS version, event_type AS type, event_data AS data,
            aggregate_type AS kind FROM estafet.event_store ORDER BY aggregate_id, event_version`,
        )
        const there: Record<string, [number, string, unknown][]> = {}
        const wanted: Record<string, [number, string, unknown][]> = {}
        for (const { id, version, type, data, kind } of rows) {
          if (kind === 'user-v2') into(there, id).push([version, type, data])
          else
            for (const [as, made] of byHand(type, data)) into(wanted, id).push([into(wanted, id).length + 1, as, made])
        }
        return { there, wanted }
      },
    }
  }

  function copier(url: string, options: Omit<CopyChildOptions, 'url'>) {
    const whole: CopyChildOptions = { ...options, url }
    return fork(new URL('copy-child.ts', import.meta.url), {
      env: { ...process.env, COPY_CHILD: JSON.stringify(whole) },
      execArgv: ['--conditions=estafet-source'],
      stdio: 'ignore',
    })
  }

  test('UserCreated 1 becomes UserCreated 2 with age and preferences, and nothing of the old stream changes', async () => {
    const { streams, fill, look, pool } = await users()
    await fill(3)
    const rows = async () => (await pool.query(`SELECT * FROM estafet.event_store WHERE aggregate_type = 'user'`)).rows
    const old = await rows()
    assert.equal((await copyStreams(streams.copying, userCopy())).streams, 3)
    const { there, wanted } = await look()
    assert.deepEqual(there, wanted)
    const email = 'u-0@example.org'
    assert.deepEqual(there['u-0']?.[0], [
      1,
      'UserCreated',
      { id: 'u-0', name: 'name of u-0', email, age: null, preferences: {} },
    ])
    assert.deepEqual((await verifyCopies(streams.copying, userCopy())).differences, [])
    assert.deepEqual((await streams.load(UserV2, 'u-0')).state.names.slice(0, 2), ['u-0-0', 'u-0-0-b'])
    assert.deepEqual(await rows(), old)
  })

  test('are folded into read models that are written with each append, in a program', async () => {
    const { streams, fill, pool } = await users()
    await fill(3)
    const names = projection<Sql>('names', {
      ...{ version: 1, tables: ['given_name'], streams: ['user-v2'] },
      setUp: (tx, table) => tx.query(`CREATE TABLE ${table('given_name')} (id text, name text)`),
      handlers: [
        project(NameGiven, ({ key, data }, { tx, table }) =>
          tx.query(`INSERT INTO ${table('given_name')} VALUES ($1, $2)`, [key, data.name]),
        ),
      ],
    })
    await projections(pool).install(names)
    const inline = postgresStreams(pool, { service: 'users', logger, inline: [names] })
    for (const closes of [false, true, true]) await copyStreams(inline.copying, userCopy(), { closes })
    const { rows } = await pool.query<{ names: string[] }>(
      `SELECT array_agg(name) AS names FROM given_name WHERE id = 'u-1'`,
    )
    assert.deepEqual(rows[0]?.names.toSorted(), (await streams.load(UserV2, 'u-1')).state.names.toSorted())
  })

  for (const closes of [false, true]) {
    for (const point of ['read', 'begun', 'before append', 'after append', 'before commit', 'after commit']) {
      test(`killed "${point}"${closes ? ', when it closes,' : ''} and run again has all, once and in order`, async () => {
        const { streams, url, fill, look } = await users()
        await fill(4)
        assert.equal(await ended(copier(url, { closes, fail: { point, times: closes ? 2 : 3 } })), 'SIGKILL')
        const broken = await look()
        for (const [id, events] of Object.entries(broken.there)) {
          assert.deepEqual(events, broken.wanted[id]?.slice(0, events.length), 'what is there is right so far')
        }
        assert.equal(await ended(copier(url, { closes, fail: null })), 0)
        const { there, wanted } = await look()
        assert.deepEqual(there, wanted)
        const { differences, closed } = await verifyCopies(streams.copying, userCopy())
        assert.deepEqual([differences, closed], [[], closes ? 4 : 0])
      })
    }
  }

  test('by three processes at once, one of them killed, are there once', async () => {
    // Who comes last finds nothing left to be killed at: then all three end well, and they are to do it once more.
    for (let go = 1; go <= 10; go++) {
      const { streams, url, fill, look } = await users()
      await fill(20)
      const children = [null, { point: 'after append', times: 2 }, null].map((fail, at) =>
        copier(url, { closes: at === 2, fail }),
      )
      const ends = (await Promise.all(children.map((child) => ended(child)))).toSorted()
      const { there, wanted } = await look()
      assert.deepEqual(there, wanted)
      const { differences, closed } = await verifyCopies(streams.copying, userCopy())
      assert.deepEqual([differences, closed], [[], 20])
      if (ends.includes('SIGKILL')) return assert.deepEqual(ends, [0, 0, 'SIGKILL'])
      assert.deepEqual(ends, [0, 0, 0])
    }
    assert.fail('None was ever killed.')
  })

  test('of streams that are written to all the while have every event that was acknowledged, and none twice', async () => {
    const { streams, fill } = await users()
    await fill(4)
    const acknowledged = new Map<string, string[]>()
    let isOver = false
    let moved = 0
    /** Writes to one user, to the old stream as long as it is open, and then to the new one. */
    async function write(writer: number, id: string): Promise<void> {
      for (let n = 0, isMoved = false, left = 10; left > 0; n++) {
        const name = `w${writer}-${n}`
        try {
          if (isMoved) await streams.handle(UserV2, id, [name], { retries: 100 })
          else await streams.handle(UserV1, id, [NamesGiven({ names: [name] })], { retries: 100 })
        } catch (error) {
          if (!(error instanceof Moved)) throw error
          isMoved = true
          moved += 1
          n -= 1
          continue
        }
        acknowledged.set(id, [...(acknowledged.get(id) ?? []), name])
        if (isOver) left -= 1
      }
    }
    const writing = Promise.all([0, 1, 2, 3, 4, 5].map((writer) => write(writer, `u-${writer % 4}`)))
    const open = await copyStreams(streams.copying, userCopy())
    assert.deepEqual(open.faults, [])
    let closed = 0
    while (closed < 4) {
      const report = await copyStreams(streams.copying, userCopy(), { closes: true })
      closed += report.closed
    }
    isOver = true
    await writing
    assert.equal(moved, 6, 'every writer found its stream closed')
    for (const [id, names] of acknowledged) {
      const { state } = await streams.load(UserV2, id)
      const written = state.names.filter((name) => name.startsWith('w'))
      assert.deepEqual(written.toSorted(), names.toSorted())
      for (const writer of ['w0', 'w1', 'w2', 'w3', 'w4', 'w5']) {
        const own = (all: readonly string[]) => all.filter((name) => name.startsWith(`${writer}-`))
        assert.deepEqual(own(written), own(names), 'in the order of its writer')
      }
    }
    assert.deepEqual((await verifyCopies(streams.copying, userCopy())).differences, [])
  })

  test('a copy that somebody changed in the database is found, and named', async () => {
    const { streams, fill, pool } = await users()
    await fill(3)
    await copyStreams(streams.copying, userCopy(), { closes: true })
    const change = async (text: string) => {
      await pool.query('ALTER TABLE estafet.event DISABLE TRIGGER event_is_final')
      assert.equal((await pool.query(text)).rowCount, 1, text)
      await pool.query('ALTER TABLE estafet.event ENABLE TRIGGER event_is_final')
    }
    const where = (id: string, version: number) =>
      `WHERE stream_type = 'user-v2' AND stream_id = '${id}' AND stream_version = ${version}`
    await change(`UPDATE estafet.event SET payload = '{"name":"secret"}' ${where('u-0', 3)}`)
    await change(`UPDATE estafet.event SET version = 7 ${where('u-1', 1_000)}`)
    await change(`DELETE FROM estafet.event ${where('u-2', 7)}`)
    const { differences, different, behind } = await verifyCopies(streams.copying, userCopy())
    assert.deepEqual([different, behind], [2, 1])
    assert.deepEqual(
      differences.map(({ stream, streamVersion, says }) => [stream, streamVersion, says]),
      [
        ['u-0', 3, 'its data differs at /name'],
        ['u-1', 1_000, 'its type should be NameGiven 1, and is NameGiven 7'],
        ['u-2', null, 'the copy ends before event 4'],
      ],
    )
  })
})

interface Data {
  readonly id?: string
  readonly name?: string
  readonly email?: string
  readonly names?: readonly string[]
}

function byHand(
  type: string,
  { id, name, email, names = [] }: Data,
): readonly (readonly [type: string, data: unknown])[] {
  if (type === 'UserCreated') return [['UserCreated', { id, name, email, age: null, preferences: {} }]]
  return type === 'NamesGiven' ? names.map((each) => ['NameGiven', { name: each }]) : []
}

function into<Value>(of: Record<string, Value[]>, name: string): Value[] {
  const known = of[name] ?? []
  of[name] = known
  return known
}
