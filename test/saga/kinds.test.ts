import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  answerWith,
  awaits,
  command,
  compensate,
  event,
  isEstafetError,
  type Running,
  type RunningSagas,
  refuse,
  service,
  start,
} from 'estafet'
import { answer, migrate, postgres, postgresLog, type Sql, saga, sagas } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { newDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { postgresSagas } from '../../src/drivers/postgres/sagas.ts'
import { act } from '../../src/saga/act.ts'
import { quickly, reading, silent, until } from './trip-system.ts'

const order = z.object({ order: z.string() })
const Paid = event('shop.paid', {
  version: 1,
  schema: z.object({ order: z.string(), cents: z.int() }),
  key: ({ order: id }) => id,
})
const Pack = command('shop.pack', { version: 1, to: 'shop', schema: order, reply: order, refusals: ['gone'] })
const Deliver = command('shop.deliver', {
  version: 1,
  to: 'shop',
  schema: order,
  reply: z.object({ parcel: z.string() }),
  refusals: ['gone'],
})

/** Waits for an event, and a time. */
const Payment = saga('payment', {
  ...{ version: 1, input: order, awaits: [awaits(Paid, ({ data }) => data.order)], ...quickly },
  async run(steps) {
    const paid = await steps.waitFor('paid', Paid, { timeoutMs: 60_000, where: ({ data }) => data.cents >= 100 })
    if (paid.outcome !== 'happened') return compensate('not paid')
    await steps.sleep('settle', 50)
    return { cents: paid.data.cents }
  },
})
const Impatient = saga('impatient', {
  ...{ version: 1, input: order, awaits: [awaits(Paid, () => null)], ...quickly },
  async run(steps) {
    const paid = await steps.waitFor('paid', Paid, { timeoutMs: 30 })
    return paid.outcome
  },
})
/** Is asked for by another. */
const Delivery = saga('delivery', {
  ...{ version: 1, input: order, uses: [Pack], ...quickly },
  async run(steps, { order: id }) {
    const packed = await steps.request('pack', Pack, { order: id })
    return packed.outcome === 'done' ? { parcel: `parcel of ${id}` } : compensate('gone')
  },
})
const Sale = saga('sale', {
  ...{ version: 1, input: order, uses: [Deliver, Pack], ...quickly },
  async run(steps, { order: id }) {
    const [delivered, packed] = await Promise.all([
      steps.request('deliver', Deliver, { order: id }),
      steps.request('pack', Pack, { order: `gift-${id}` }),
    ])
    if (packed.outcome !== 'done') return compensate('no gift')
    return delivered.outcome === 'done' ? delivered.result.parcel : compensate('not delivered')
  },
})
const Broken = saga('broken', {
  ...{ version: 1, input: order, ...quickly },
  run: (_, { order: id }) => new Promise<string>((resolve) => void setTimeout(() => resolve(id), 50)),
})

/** Comes to what cannot be kept. */
const Wrong = saga('wrong', {
  ...{ version: 1, input: order, uses: [Pack], ...quickly },
  async run(steps, { order: id }) {
    await steps.request('pack', Pack, { order: id })
    return steps.run('broken', async () => Number.NaN)
  },
})

class NeverIs extends Error {}

describe('a saga', () => {
  let server: PostgresServer
  let pool: pg.Pool
  let running: Running
  let loop: RunningSagas
  let shop: ReturnType<typeof sagas>
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
    pool = new pg.Pool({ connectionString: await newDatabase(server.adminUrl, 'kinds'), max: 20 })
    pool.on('error', () => {})
    const owner = await pool.connect()
    await migrate(owner)
    await owner.query('CREATE TABLE packed (id text PRIMARY KEY)')
    owner.release()
    const store = postgres(pool)
    shop = sagas(pool, {
      ...{
        service: 'shop',
        of: [Payment, Impatient, Delivery, Sale, Broken, Wrong],
        asks: [Pack],
        store,
        logger: silent,
      },
      answers: [answerWith(Deliver, Delivery, (data) => data)],
    })
    const pack = answer(
      Pack,
      async ({ data }, { tx }) => {
        if (data.order.endsWith('gone')) return refuse('gone')
        if (data.order.endsWith('never')) throw new NeverIs('It never is.')
        await tx.query('INSERT INTO packed VALUES ($1)', [data.order])
        return data
      },
      {
        undo: async ({ data }, { tx }) => void (await tx.query('DELETE FROM packed WHERE id = $1', [data.order])),
        // A dead letter at once, which blocks its key for good.
        retry: [{ errors: (error) => error instanceof NeverIs, immediate: 0, delayed: 0 }],
      },
    )
    running = await start(service<Sql>('shop', { handlers: [...shop.handlers, ...pack] }), {
      ...{ ...reading, logger: silent, store, sources: [postgresLog(pool, { source: 'shop' })] },
    })
    loop = await shop.start({ lookMs: 20 })
  })
  after(async () => {
    await Promise.all([running?.stop(2_000), loop?.stop(2_000)])
    await pool?.end()
    await server?.stop()
  })
  const transaction: ReturnType<typeof postgres>['transaction'] = (work) => postgres(pool).transaction(work)
  const packed = async (like: string): Promise<readonly string[]> =>
    (await pool.query<{ id: string }>('SELECT id FROM packed WHERE id LIKE $1 ORDER BY id', [like])).rows.map(
      ({ id }) => id,
    )

  test('takes the event that it waits for, also one that came before, and no other', async () => {
    await transaction((tx, publish) => shop.begin({ tx, publish }, Payment, 'o-1', { order: 'o-1' }))
    await transaction(async (_, publish) =>
      publish(Paid({ order: 'o-2', cents: 500 }), Paid({ order: 'o-1', cents: 5 })),
    )
    await until('the small one came', async () => ((await shop.search.show('o-1'))?.steps.length ?? 0) === 2)
    assert.equal((await shop.search.show('o-1'))?.status, 'running')
    await transaction(async (_, publish) =>
      publish(Paid({ order: 'o-1', cents: 250 }), Paid({ order: 'o-1', cents: 300 })),
    )
    assert.deepEqual(await shop.ended(Payment, 'o-1'), { status: 'completed', result: { cents: 250 } })
  })

  test('goes on when the time for an event is up', async () => {
    await transaction((tx, publish) => shop.begin({ tx, publish }, Impatient, 'i-1', { order: 'i-1' }))
    assert.deepEqual(await shop.ended(Impatient, 'i-1'), { status: 'completed', result: 'timed-out' })
  })

  test('is a step of another, beside a step that is no saga', async () => {
    await transaction((tx, publish) => shop.begin({ tx, publish }, Sale, 's-1', { order: 's-1' }))
    assert.deepEqual(await shop.ended(Sale, 's-1'), { status: 'completed', result: 'parcel of s-1' })
    assert.deepEqual(await packed('%s-1'), ['gift-s-1', 's-1'])
    assert.equal((await shop.search.show('~shop.deliver saga:shop:s-1:deliver'))?.status, 'completed')
  })

  test('takes back a saga that it asked for, with all that one did', async () => {
    await transaction((tx, publish) => shop.begin({ tx, publish }, Sale, 's-gone', { order: 's-2' }))
    await shop.ended(Sale, 's-gone')
    await transaction((tx, publish) => shop.begin({ tx, publish }, Sale, 's-3', { order: 'is-gone' }))
    assert.deepEqual(await shop.ended(Sale, 's-3'), { status: 'compensated', failure: 'no gift' })
    assert.deepEqual(await packed('%is-gone'), [])
    assert.equal((await shop.search.show('~shop.deliver saga:shop:s-3:deliver'))?.status, 'compensated')
  })

  test('is how plain code asks: it is answered, refused, or nothing was done', async () => {
    const done = await shop.ask(Pack, { order: 'plain' }, { id: 'r-1' })
    assert.deepEqual(done, { outcome: 'done', result: { order: 'plain' } })
    assert.deepEqual(await shop.ask(Pack, { order: 'plain' }, { id: 'r-1' }), done, 'asked again')
    assert.deepEqual(await packed('plain'), ['plain'])
    assert.deepEqual(await shop.ask(Pack, { order: 'is gone' }, { id: 'r-2' }), { outcome: 'refused', refusal: 'gone' })
    const never = await shop.ask(Pack, { order: 'never' }, { id: 'r-3', timeoutMs: 2_000 })
    assert.deepEqual(
      never,
      { outcome: 'cancelled' },
      'taken back although its request is a dead letter in the same log',
    )
    await assert.rejects(shop.ask(Pack, { order: 'other' }, { id: 'r-1' }), (error) =>
      isEstafetError(error, 'INVALID_MESSAGE'),
    )
    await assert.rejects(shop.ended(Payment, 'r-1'), (error) => isEstafetError(error, 'MISCONFIGURED'))
  })

  test('that answers others is nobody else’s to take back', async () => {
    await transaction((tx, publish) => shop.begin({ tx, publish }, Sale, 's-9', { order: 's-9' }))
    await shop.ended(Sale, 's-9')
    const data = { order: 's-9' }
    const stranger = { owner: 'me', replyTo: 'shop', data }
    await transaction(async (_, publish) => publish(Deliver.cancel({ ...stranger, step: 'saga:shop:s-9:deliver' })))
    await until('it is a dead letter', async () => {
      const { rows } = await pool.query(`SELECT FROM estafet.parked_key WHERE key = 'me cancel'`)
      return rows.length > 0
    })
    assert.equal((await shop.search.show('~shop.deliver saga:shop:s-9:deliver'))?.status, 'completed')
    assert.deepEqual(await packed('s-9'), ['s-9'])
  })

  test('is not held up by a reply that is none, or of another command', async () => {
    await transaction(async (tx, publish) => {
      const false1 = Pack.reply({
        step: 'saga:shop:p-1:pack',
        owner: 'p-1',
        answers: 'request',
        answer: { outcome: 'cancelled' },
      })
      const false2 = Deliver.reply({
        step: 'saga:shop:p-1:pack',
        owner: 'p-1',
        answers: 'request',
        answer: { outcome: 'cancelled' },
      })
      publish({ ...false1, topic: 'shop.replies', data: { nonsense: true } }, { ...false2, topic: 'shop.replies' })
      await shop.begin({ tx, publish }, Delivery, 'p-1', { order: 'p-1' })
    })
    assert.deepEqual(await shop.ended(Delivery, 'p-1'), { status: 'completed', result: { parcel: 'parcel of p-1' } })
    const { rows } = await pool.query<{ key: string; error: string }>(
      `SELECT key, concat_ws(' ', error_name, error_message, state) AS error FROM estafet.parked_message WHERE type = 'shop.pack.reply'`,
    )
    assert.deepEqual(
      rows.map(({ key }) => key),
      ['p-1 reply'],
      `it is kept for a person: ${rows.map(({ error }) => error).join('; ')}`,
    )
  })

  test('whose turn throws what would never succeed keeps its answer, says why, and can be taken back', async () => {
    await transaction((tx, publish) => shop.begin({ tx, publish }, Wrong, 'w-1', { order: 'w-1' }))
    await until('it has failed again', async () => ((await shop.search.show('w-1'))?.tries ?? 0) > 1)
    const shown = await shop.search.show('w-1')
    assert.match(shown?.error ?? '', /the step broken failed: UNENCODABLE/)
    assert.deepEqual(
      shown?.steps.map(({ name, state }) => `${name} ${state}`),
      ['pack done', 'broken waiting'],
    )
    const sagasOf = postgresSagas()
    await transaction(async (tx) => {
      const open = await sagasOf.open(tx, 'w-1')
      const change = open === null ? 'gone' : act(open, { do: 'compensate' }, 'it is broken')
      if (typeof change === 'string') throw new Error(change)
      await sagasOf.save(tx, 'w-1', change)
    })
    assert.deepEqual(await shop.ended(Wrong, 'w-1'), { status: 'compensated', failure: 'it is broken' })
    assert.deepEqual(await packed('w-1'), [])
  })

  test('that waits for something that is no step is refused in its first turn, and nothing is begun', async () => {
    await assert.rejects(
      transaction((tx, publish) => shop.begin({ tx, publish }, Broken, 'b-1', { order: 'b-1' })),
      (error) => isEstafetError(error, 'MISCONFIGURED') && /no step/.test(error.message),
    )
    assert.equal(await shop.search.show('b-1'), null)
  })

  test('is refused with a bad input or id', async () => {
    const refused = (id: string, given: unknown) =>
      assert.rejects(
        transaction((tx, publish) => shop.begin({ tx, publish }, Delivery, id, given as { order: string })),
        (error) => isEstafetError(error, 'INVALID_MESSAGE'),
      )
    await refused('d-1', { order: 7 })
    for (const id of ['', 'a\u0000b', 'x'.repeat(201), '\ud800']) await refused(id, { order: 'd' })
  })
})
