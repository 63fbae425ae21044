import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { decider, event, isEstafetError, when } from 'estafet'
import { migrate, type PostgresStreams, postgres, postgresStreams, projections, type Sql } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { newDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import type { Appended, EncodedEvent, ExpectedVersion, StreamAppend } from '../../src/ports/event-store.ts'
import { type FaultProxy, faultProxy, type ProxyFault } from '../chaos/fault-proxy.ts'
import { Booked, balances, foldedByHand, logger, read } from './projection-system.ts'

const Deposited = event('account.deposited', { version: 1, schema: z.object({ id: z.string() }), key: ({ id }) => id })
const Account = decider<number, number>('account', {
  initial: 0,
  decide: (amount) => Booked({ amount }),
  evolve: [when(Booked, (sum: number, { amount }) => sum + amount)],
  translate: (_, id) => [Deposited({ id })],
})

/** Where a connection is lost, and whether what it had sent is committed then. */
interface Loss {
  readonly says: string
  readonly fault: ProxyFault
  readonly isCommitted: (how: How) => boolean
}

interface How {
  readonly pipeline: boolean
  /** Read models are folded with the append, so that it does not travel with its commit. */
  readonly hasInline: boolean
}

// As a client names its prepared statement, and no other that begins so.
const appending = 'estafet-append-one\0'
const losses: readonly Loss[] = [
  { says: 'before the append', fault: { kind: 'cut', request: appending }, isCommitted: () => false },
  {
    says: 'before the answer to the append',
    fault: { kind: 'swallow', request: appending },
    isCommitted: ({ pipeline, hasInline }) => pipeline && !hasInline,
  },
  { says: 'before COMMIT', fault: { kind: 'cut', request: 'COMMIT' }, isCommitted: () => false },
  { says: 'before the answer to COMMIT', fault: { kind: 'swallow', request: 'COMMIT' }, isCommitted: () => true },
]
const ways: readonly (How & { readonly says: string })[] = [
  { says: 'pipelining', pipeline: true, hasInline: false },
  { says: 'one statement at a time', pipeline: false, hasInline: false },
  { says: 'pipelining, with an inline read model', pipeline: true, hasInline: true },
]

for (const [number, how] of ways.entries()) {
  describe(`an append whose connection is lost, ${how.says}`, () => {
    let server: PostgresServer
    let proxy: FaultProxy
    let pool: pg.Pool
    let direct: pg.Pool
    let streams: PostgresStreams
    before(async () => {
      server = await temporaryPostgres({ settings: { fsync: 'off' } })
      const url = new URL(await newDatabase(server.adminUrl, `lost_${number}`))
      direct = new pg.Pool({ connectionString: url.href })
      proxy = await faultProxy(server.port)
      url.port = String(proxy.port)
      const config: pg.PoolConfig & { pipeline: boolean } = { connectionString: url.href, pipeline: how.pipeline }
      pool = new pg.Pool(config)
      for (const each of [pool, direct]) each.on('error', () => {})
      const owner = await direct.connect()
      await migrate(owner)
      owner.release()
      if (how.hasInline) await projections(direct).install(balances(1))
      streams = postgresStreams(pool, { service: 'bank', logger, ...(how.hasInline ? { inline: [balances(1)] } : {}) })
    })
    after(async () => {
      await pool.end()
      await direct.end()
      await proxy.close()
      await server.stop()
    })

    const isUnknown = (error: unknown): boolean => isEstafetError(error, 'UNAVAILABLE')

    async function losing<Result>({ fault }: Loss, work: () => Promise<Result>): Promise<void> {
      proxy.set(fault)
      await assert.rejects(work(), isUnknown)
      proxy.set({ kind: 'off' })
    }

    const count = async (id: string) =>
      (
        await direct.query<{ events: number; messages: number }>(
          `SELECT (SELECT count(*)::int FROM estafet.event WHERE stream_id = $1) AS events,
            (SELECT count(*)::int FROM estafet.outbox WHERE key = $1) AS messages`,
          [id],
        )
      ).rows[0]

    for (const [at, loss] of losses.entries()) {
      const isCommitted = loss.isCommitted(how)
      const id = `handled-${at}`

      test(`${loss.says}: a command that is tried again is handled once, and published once`, async () => {
        const handle = () => streams.handle(Account, id, 5, { appendId: 'request-1' })
        await losing(loss, handle)
        const other = await streams.handle(Account, id, 1)
        assert.equal(other.version, isCommitted ? 2 : 1, 'what the first try did')
        const again = await handle()
        assert.deepEqual([again.isRepeat, again.version], [isCommitted, isCommitted ? 1 : 2])
        assert.deepEqual(await handle(), { ...again, isRepeat: true, events: [], state: 6 })
        assert.deepEqual(await count(id), { events: 2, messages: 2 })
        assert.equal((await streams.load(Account, id)).state, 6)
        if (how.hasInline) assert.deepEqual(await read(direct), await foldedByHand(direct))
      })

      for (const expected of ['new', 0, 'existing', 1, 'any'] as const) {
        test(`${loss.says}: events that expect ${expected} and are tried again are appended once`, async () => {
          const before = expected === 'existing' || expected === 1 ? 1 : 0
          const stream = { type: 'account', id: `${expected}-${at}` }
          if (before === 1) await append(streams, pool, stream, 'new', null)
          const once = () => append(streams, pool, stream, expected, 'request-1', how.hasInline)
          await losing(loss, once)
          const again = await once()
          assert.deepEqual([again?.isRepeat, again?.version], [isCommitted, before + 2])
          assert.deepEqual(await once(), { ...again, isRepeat: true })
          assert.deepEqual(await count(stream.id), { events: before + 2, messages: 0 })
          if (how.hasInline) assert.deepEqual(await read(direct), await foldedByHand(direct))
        })
      }
    }

    test('while the server does not notice: who tries again waits until it does, and appends once', async () => {
      const stream = { type: 'account', id: 'half open' }
      const begun = await pool.connect()
      begun.on('error', () => {})
      // Else it would wait for its own client's words for ever.
      await begun.query(`SET idle_in_transaction_session_timeout = '300ms'`)
      await begun.query('BEGIN')
      await streams.events.append(begun, [two(stream, 'new', 'request-1')])
      proxy.set({ kind: 'half-open' })
      const committing = begun.query('COMMIT').catch((error: unknown) => error)
      const others = postgresStreams(direct, { service: 'bank', logger })
      const again = await append(others, direct, stream, 'new', 'request-1')
      assert.deepEqual([again?.isRepeat, again?.version], [false, 2])
      proxy.set({ kind: 'reset' })
      assert.ok((await committing) instanceof Error)
      begun.release(true)
      proxy.set({ kind: 'off' })
      assert.equal((await append(streams, pool, stream, 'new', 'request-1'))?.isRepeat, true)
      assert.equal((await count(stream.id))?.events, 2)
    })
  })
}

/** Appends two events, or one without an append id, together with the commit of their transaction. */
async function append(
  { events }: PostgresStreams,
  pool: pg.Pool,
  stream: StreamAppend['stream'],
  expected: ExpectedVersion,
  appendId: string | null,
  hasInline = false,
): Promise<Appended | undefined> {
  const of = two(stream, expected, appendId)
  const wanted = appendId === null ? { ...of, events: of.events.slice(0, 1) } : of
  let appended: readonly Appended[] = []
  const write = async (tx: Sql): Promise<void> => {
    appended = await events.append(tx, [wanted])
  }
  await (hasInline
    ? postgres(pool).unitOfWork.run(write)
    : postgres(pool).unitOfWork.run(() => Promise.resolve(), write))
  return appended[0]
}

function two(stream: StreamAppend['stream'], expected: ExpectedVersion, appendId: string | null): StreamAppend {
  // Tried again, events have ids of their own.
  const events = [1, 2].map((amount): EncodedEvent => {
    const id = crypto.randomUUID()
    const none = { causationId: null, traceparent: null, headers: {} }
    return { id, type: 'Booked', version: 1, correlationId: id, payload: JSON.stringify({ amount }), ...none }
  })
  return { stream, expected, appendId, events }
}
