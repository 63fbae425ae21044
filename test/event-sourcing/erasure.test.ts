import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { erased, startProjections } from 'estafet'
import { kafkaSink, kafkaTopic } from 'estafet/kafka'
import { serveOps } from 'estafet/ops'
import { postgres, postgresLog } from 'estafet/postgres'
import { redisSink, redisTopic } from 'estafet/redis'
import type pg from 'pg'
import { howToGetKafka, kafkaInstallation } from '../../engines/kafka/installation.ts'
import { temporaryKafka } from '../../engines/kafka/server.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { findRedis, howToGetRedis } from '../../engines/redis/binaries.ts'
import { startRedis } from '../../engines/redis/server.ts'
import { freshCluster, singleNode } from '../contract/kafka-driver.ts'
import { connected } from '../contract/redis-driver.ts'
import { type ErasureSystem, erasureSystem, Member, MemberJoined, members, undeliverable } from './erasure-system.ts'
import { until } from './projection-system.ts'

interface Broker {
  readonly parts: Parameters<typeof erasureSystem>[1]
  /** Folder of what it has on disk. */
  readonly home: string
  stop(): Promise<void>
}

const brokers = [
  {
    name: 'Redis',
    skip: findRedis() === null ? `no redis-server was found: ${howToGetRedis}` : false,
    async open(): Promise<Broker> {
      const home = mkdtempSync(join(tmpdir(), 'estafet-erasure-'))
      const server = await startRedis({ home })
      const [sending, receiving] = [await connected(server), await connected(server)]
      return {
        home,
        parts: {
          sink: redisSink(sending, { name: 'redis', shards: 2 }),
          topic: (topic) => redisTopic(receiving, { topic, group: 'mailing' }),
        },
        async stop() {
          sending.destroy()
          receiving.destroy()
          await server.stop()
          rmSync(home, { recursive: true, force: true })
        },
      }
    },
  },
  {
    name: 'Kafka',
    skip: kafkaInstallation() === null ? `get it by: ${howToGetKafka}` : false,
    async open(): Promise<Broker> {
      const server = await temporaryKafka()
      const cluster = freshCluster(server)
      return {
        home: server.home,
        parts: {
          sink: kafkaSink(cluster, { name: 'kafka', partitions: 2, ...singleNode }),
          topic: (topic) => kafkaTopic(cluster, topic, { ...singleNode, group: 'mailing' }),
        },
        async stop() {
          await cluster.close()
          await server.stop()
        },
      }
    },
  },
]

/** What of people must not be found any more, of two that are erased and one that stays. */
const canaries = { 'm-1': ['Xaverine', 'quillmail', 'Lovelacia'], 'm-2': ['Bartholomew', 'bartmail'] }
const others = ['Evangeline', 'evamail']

describe('erasing a person', () => {
  let server: PostgresServer
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(() => server.stop())

  for (const { name, skip, open } of brokers) {
    test(`leaves nothing of it in any table, on ${name}, in logs or in read models built again`, { skip }, async () => {
      const broker = await open()
      const system = await erasureSystem(server, broker.parts)
      try {
        await fill(system)
        const all = [...Object.values(canaries).flat(), ...others]
        const clear = await places(system, all)
        assert.deepEqual(clear, ['mailing.public.greeting', 'members.public.member_v1'], 'where it stands in clear')
        assert.deepEqual(found(filesOf(broker.home), all), [], 'on the broker')
        assert.notDeepEqual(found(filesOf(broker.home), ['nothing personal']), [], 'what is not personal is there')

        await seenByPeople(system, all)
        assert.deepEqual([await system.erase('m-1'), await system.erase('m-2')], [true, true])
        assert.equal(await system.erase('m-1'), false)
        await until('both services have heard of it', async () => {
          const left = await places(system, Object.values(canaries).flat())
          return left.length === 0
        })
        assert.deepEqual(await rows(system.mailing, 'SELECT id, name FROM greeting ORDER BY id'), [
          { id: 'm-3', name: 'Evangeline' },
        ])

        await rebuilt(system)
        assert.deepEqual(await rows(system.members, 'SELECT id, name, email FROM member ORDER BY id'), [
          ...['m-1', 'm-2'].map((id) => ({ id, name: '(erased)', email: '(erased)' })),
          { id: 'm-3', name: 'Evangeline', email: 'evamail' },
        ])
        const ada = await system.streams.load(Member, 'm-1')
        assert.deepEqual([ada.state, ada.version], [{ name: erased, email: erased, changes: 3 }, 3])
        assert.equal((await system.streams.load(Member, 'm-3')).state.name, 'Evangeline')

        // What was put aside is tried again, and the one who is meant is nobody now.
        await redriven(system)
        assert.deepEqual(system.received.get(undeliverable), {
          ...{ id: undeliverable, name: erased, addresses: [{ street: erased }], note: 'nothing personal' },
        })
        // Whatever is still written about them holds nothing of them.
        await system.streams.handle(Member, 'm-1', { kind: 'rename', id: 'm-1', name: 'Xaverine' })
        await system.streams.settled()
        const gone = Object.values(canaries).flat()
        assert.deepEqual(await places(system, gone), [])
        assert.deepEqual(found(filesOf(broker.home), gone), [])
        assert.deepEqual(
          gone.filter((canary) => system.said.some((line) => line.includes(canary))),
          [],
        )
      } finally {
        await system.stop()
        await broker.stop()
      }
    })
  }

  test('waits for who has a name in his hands, so that it is not written down after the news', {
    skip: brokers[0]?.skip ?? false,
  }, async () => {
    const broker = await brokers[0]?.open()
    assert.ok(broker !== undefined)
    const system = await erasureSystem(server, broker.parts)
    const goesOn = Promise.withResolvers<void>()
    system.before.greeting = (id) => (id === 'm-9' ? goesOn.promise : Promise.resolve())
    try {
      await system.streams.handle(Member, 'm-9', { kind: 'register', id: 'm-9', name: 'Xaverine', email: 'x' })
      await until('the handler has the name', () => Promise.resolve(system.received.has('m-9')))
      await system.erase('m-9')
      await until('the news waits for it, or is over', async () => {
        const waiting = await rows(system.mailing, `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`)
        return waiting.length > 0 || system.mail.counters().applied > 0
      })
      goesOn.resolve()
      await until('both have taken effect', () => Promise.resolve(system.mail.counters().applied >= 2))
      assert.deepEqual(await rows(system.mailing, 'SELECT id FROM greeting'), [])
      assert.deepEqual(await places(system, ['Xaverine']), [])
    } finally {
      goesOn.resolve()
      await system.stop()
      await broker.stop()
    }
  })
})

async function fill({ streams, mailing, people }: ErasureSystem): Promise<void> {
  const names = [
    ['m-1', 'Xaverine', 'quillmail'],
    ['m-2', 'Bartholomew', 'bartmail'],
    ['m-3', 'Evangeline', 'evamail'],
  ] as const
  for (const [id, called, email] of names) {
    await streams.handle(Member, id, { kind: 'register', id, name: called, email })
  }
  await streams.handle(Member, 'm-1', { kind: 'rename', id: 'm-1', name: 'Xaverine' })
  const { position } = await streams.handle(Member, 'm-1', { kind: 'rename', id: 'm-1', name: 'Lovelacia' })
  await streams.load(Member, 'm-1')
  await streams.settled()
  await people.waitFor('members', position, { timeoutMs: 60_000 })
  await until('the other service has greeted them', async () => {
    const greeted = await rows(mailing, 'SELECT id FROM greeting')
    const dead = await rows(mailing, `SELECT 1 FROM estafet.parked_message WHERE state = 'dead'`)
    return greeted.length === 2 && dead.length === 1
  })
}

/** What administrators are shown of a message that failed, in every way that there is. */
async function seenByPeople(
  { mailing, greeter, vault, before }: ErasureSystem,
  texts: readonly string[],
): Promise<void> {
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const token = 'token-of-the-administrator-0123456789'
  const ops = await serveOps({
    ...{ ...greeter, store: postgres(mailing, { vault }), logger: silent, version: '1' },
    tokens: [{ name: 'admin', role: 'admin', token }],
  })
  const ask = async (method: string, path: string, body?: object): Promise<{ status: number; text: string }> => {
    const answer = await fetch(`${ops.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: answer.status, text: await answer.text() }
  }
  try {
    const [letter] = await rows(mailing, `SELECT number::text FROM estafet.parked_message WHERE state = 'dead'`)
    const number = String(Reflect.get(letter ?? {}, 'number'))
    const seen = [
      await ask('GET', '/dead-letters'),
      await ask('GET', '/dead-letters/groups'),
      await ask('GET', `/dead-letters/${number}`),
      await ask('GET', `/dead-letters/${number}/payload`),
      await ask('GET', '/dead-letters/export'),
      await ask('GET', '/log/messages'),
      await ask('POST', `/dead-letters/${number}/dry-run`, {}),
    ]
    assert.deepEqual(
      seen.map(({ status }) => status),
      seen.map(() => 200),
      seen.map(({ text }) => text.slice(0, 300)).join('\n'),
    )
    assert.match(seen[6]?.text ?? '', /its text is not kept/)
    assert.deepEqual(
      found(
        seen.map(({ text }) => Buffer.from(text)),
        texts,
      ),
      [],
    )
    before.isBroken = false
    const mended = await ask('POST', `/dead-letters/${number}/dry-run`, {})
    before.isBroken = true
    assert.match(mended.text, /"isApplied":true.*"type":"mailing\.greeted".*"name":"\*\*\*"/)
    assert.deepEqual(found([Buffer.from(mended.text)], texts), [])
    const data = { id: undeliverable, name: 'Typed In Clear', addresses: [], note: 'n' }
    const edited = await ask('POST', `/dead-letters/${number}/edit`, {
      payload: data,
      requestId: 'edit-1',
      reason: 'r',
    })
    assert.deepEqual(
      [edited.status >= 400, /personal field name cannot be given another value/.test(edited.text)],
      [true, true],
    )
  } finally {
    await ops.close()
  }
}

async function rebuilt({ people, streams, models, vault, members: pool }: ErasureSystem): Promise<void> {
  const again = await startProjections([members(2)], {
    ...{ lookMs: 20, leaseMs: 1_000, pace: { hotMs: 2, busyMs: 5, idleMs: 20 }, backOff: { firstMs: 10, maxMs: 50 } },
    ...{ store: postgres(pool, { vault }), projections: people, events: streams.log },
    sources: [postgresLog(pool, { source: 'members' })],
  })
  await until('the second version serves', async () =>
    (await people.list()).some(({ version, state }) => version === 2 && state === 'serving'),
  )
  await Promise.all([again.stop(2_000), models.stop(2_000)])
  assert.equal(await people.drop('members', { version: 1, build: 1 }, { who: 'a test' }), true)
}

async function redriven({ mailing, received }: ErasureSystem): Promise<void> {
  received.delete(undeliverable)
  const { operations } = postgres(mailing)
  const wanted = { selection: { type: MemberJoined.type }, expected: 1, isCanary: false, rate: null }
  const by = { who: 'a test', reason: 'it may be delivered now', requestId: 'redrive-1' }
  await operations.redrives.start('mailing', wanted, by)
  await until('it was tried again', () => Promise.resolve(received.has(undeliverable)))
}

async function rows(pool: pg.Pool, text: string): Promise<readonly object[]> {
  return (await pool.query(text)).rows
}

/** The tables of both databases in which one of these texts stands: as it is, in bytes, or in base64. */
async function places({ members: own, mailing }: ErasureSystem, texts: readonly string[]): Promise<readonly string[]> {
  const all: string[] = []
  for (const [of, pool] of [
    ['mailing', mailing],
    ['members', own],
  ] as const) {
    const { rows: tables } = await pool.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
        WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
    )
    for (const { name } of tables) {
      const { rows: lines } = await pool.query<{ line: string }>(`SELECT t::text AS line FROM ${name} AS t`)
      if (
        found(
          lines.map(({ line }) => Buffer.from(line)),
          texts,
        ).length > 0
      )
        all.push(`${of}.${name}`)
    }
  }
  return all
}

function filesOf(folder: string): readonly Buffer[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file))
    .filter((file) => statSync(file).isFile())
    .map((file) => readFileSync(file))
}

function found(dump: readonly Buffer[], texts: readonly string[]): readonly string[] {
  return texts.filter((text) => {
    const hex = Buffer.from(text).toString('hex')
    // In base64 a text looks in three ways, by where it begins.
    const coded = [0, 1, 2].map((before) =>
      Buffer.from(`${' '.repeat(before)}${text}`)
        .toString('base64')
        .slice(before + 1, -4),
    )
    return dump.some((part) => [text, hex, ...coded].some((form) => part.includes(form)))
  })
}
