import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type RunningSagas, type Steps, saga } from 'estafet'
import { migrate, type PostgresStore, postgres, type Sql, sagas } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { newDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { quickly, silent, until } from './trip-system.ts'

const schema = z.object({})
type Run = (steps: Steps<Sql>) => Promise<unknown>
/** One whose first turn only sleeps: the second is its loop's. */
const sagaOf = (type: string, run: Run, turnTimeoutMs = 60_000) =>
  saga<Sql, typeof schema, unknown>(type, {
    ...{ version: 1, input: schema, turnTimeoutMs, ...quickly },
    async run(steps) {
      await steps.sleep('first', 1)
      return run(steps)
    },
  })

describe('a turn that takes long', () => {
  let server: PostgresServer
  let pool: pg.Pool
  let store: PostgresStore
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
    pool = new pg.Pool({ connectionString: await newDatabase(server.adminUrl, 'slow'), max: 20 })
    pool.on('error', () => {})
    const owner = await pool.connect()
    await migrate(owner)
    owner.release()
    store = postgres(pool)
  })
  after(async () => {
    await pool?.end()
    await server?.stop()
  })

  type Kind = ReturnType<typeof sagaOf>
  async function run(
    of: readonly Kind[],
    turnsAtOnce: number,
    work: (service: ReturnType<typeof sagas>, loop: RunningSagas) => Promise<void>,
  ): Promise<void> {
    const service = sagas(pool, { service: 'slow', of, store, logger: silent })
    const loop = await service.start({ lookMs: 10, turnsAtOnce })
    try {
      await work(service, loop)
    } finally {
      await loop.stop(2_000)
    }
  }
  const begin = (service: ReturnType<typeof sagas>, kind: Kind, id: string): Promise<boolean> =>
    store.transaction((tx, publish) => service.begin({ tx, publish }, kind, id, {}))

  test('holds up no other, also one that comes later', async () => {
    const [isWorking, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const Slow = sagaOf('slow', (steps) =>
      steps.run('work', async () => {
        isWorking.resolve()
        await gate.promise
      }),
    )
    const Quick = sagaOf('quick', async () => 'quick')
    await run([Slow, Quick], 4, async (service, loop) => {
      try {
        await begin(service, Slow, 'slow')
        await isWorking.promise
        await begin(service, Quick, 'quick')
        assert.deepEqual(await service.ended(Quick, 'quick'), { status: 'completed', result: 'quick' })
        assert.equal((await service.search.show('slow'))?.status, 'running')
        assert.deepEqual([loop.health().ready, loop.health().stalled], [true, []])
      } finally {
        gate.resolve()
      }
      await service.ended(Slow, 'slow')
    })
  })

  test('is waited for by who stops the loop', async () => {
    const [isWorking, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const order: string[] = []
    const Slow = sagaOf('slow-end', (steps) =>
      steps.run('work', async () => {
        isWorking.resolve()
        await gate.promise
        order.push('worked')
      }),
    )
    await run([Slow], 4, async (service, loop) => {
      await begin(service, Slow, 'slow-end')
      await isWorking.promise
      const stopped = loop.stop(30_000).then(() => void order.push('stopped'))
      // Time in which one that does not wait would have stopped.
      for (let trip = 0; trip < 20; trip++) await pool.query('SELECT 1')
      gate.resolve()
      await stopped
      assert.deepEqual(order, ['worked', 'stopped'])
      assert.equal((await service.search.show('slow-end'))?.status, 'completed')
    })
  })

  test('is one of as many as may be under way at once, and no more', async () => {
    const both = Promise.withResolvers<void>()
    let [now, most] = [0, 0]
    const Slow = sagaOf('slow-many', (steps) =>
      steps.run('work', async ({ tx }) => {
        now += 1
        most = Math.max(most, now)
        if (now === 2) both.resolve()
        await both.promise
        await tx.query('SELECT pg_sleep(0.02)')
        now -= 1
      }),
    )
    await run([Slow], 2, async (service) => {
      const ids = Array.from({ length: 8 }, (_, at) => `slow-many-${at}`)
      await Promise.all(ids.map((id) => begin(service, Slow, id)))
      await Promise.all(ids.map((id) => service.ended(Slow, id)))
      assert.equal(most, 2)
    })
  })

  test('has the time of its own saga', async () => {
    const Hanging = sagaOf('hanging', (steps) => steps.run('work', () => new Promise<void>(() => {})), 150)
    const Patient = sagaOf('patient', async () => null, 60_000)
    await run([Hanging, Patient], 4, async (service) => {
      await begin(service, Hanging, 'hanging')
      await until('its turn failed', async () => ((await service.search.show('hanging'))?.tries ?? 0) > 0)
      const shown = await service.search.show('hanging')
      assert.equal(shown?.error, 'TIMED_OUT: A turn of a saga took longer than 150 ms.')
    })
  })
})
