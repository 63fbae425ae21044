import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventsUntil } from 'estafet'
import type { Role } from 'estafet/ops'
import { type PostgresStreams, postgresStreams } from 'estafet/postgres'
import { allPostgres } from '../../engines/postgres/binaries.ts'
import { BuyerNamed, Cart, ItemPut, Note, PriceSet, Strange } from '../ops/cart.ts'
import { type ParkedWorld, parkedServer, subscription } from '../ops/parked-world.ts'
import { ask, served, silent, tokenOf } from '../ops/served.ts'

for (const binaries of allPostgres()) {
  describe(`the past of streams in the ops API on ${binaries.name}`, () => {
    let server: Awaited<ReturnType<typeof parkedServer>>
    let world: ParkedWorld
    let api: Awaited<ReturnType<typeof served>>
    let streams: PostgresStreams
    before(async () => {
      server = await parkedServer(binaries)
      world = await server.fresh()
      api = await served(world)
      streams = postgresStreams(world.pool, { service: subscription, logger: silent })
      await streams.handle(Cart, 'c/1', [ItemPut({ product: 'tea', price: 5 })])
      await streams.handle(Cart, 'c/1', [
        BuyerNamed({ email: 'ada@example.org' }),
        ItemPut({ product: 'pot', price: 9 }),
      ])
      await streams.handle(Cart, 'c/1', [PriceSet({ at: 0, price: 4 }), BuyerNamed({ email: 'eve@example.org' })])
      await streams.handle(Note, 'n', [BuyerNamed({ email: 'ada@example.org' })])
      await streams.handle(Strange, 's', [ItemPut({ product: 'secret-product', price: 1 })])
    })
    after(async () => {
      await streams.settled()
      await api.close()
      await server.stop()
    })

    const get = async (path: string, role: Role = 'admin') => {
      const { status, text, body } = await ask(api.url, 'GET', `/streams/${path}`, { token: tokenOf(role) })
      assert.ok(typeof body === 'object' && body !== null)
      return { status, text, body: Object.fromEntries(Object.entries(body)) }
    }
    const codeOf = ({ body }: { body: Record<string, unknown> }): unknown => Reflect.get(Object(body['error']), 'code')
    const itemsOf = ({ body }: { body: Record<string, unknown> }): readonly Record<string, unknown>[] => {
      assert.ok(Array.isArray(body['items']))
      return body['items']
    }
    const cart = 'cart/c%2F1'

    test('pages through the events of a stream, with payloads for whoever may see them', async () => {
      const first = await get(`${cart}/events?limit=2`, 'view')
      assert.deepEqual(
        itemsOf(first).map(({ type, streamVersion }) => [type, streamVersion]),
        [
          ['ItemPut', 1],
          ['BuyerNamed', 2],
        ],
      )
      assert.doesNotMatch(first.text, /payload|headers|ada@/)
      const rest = await get(`${cart}/events?limit=9&after=${String(first.body['next'])}`, 'payloads')
      assert.deepEqual(
        itemsOf(rest).map(({ payload }) => payload),
        [{ product: 'pot', price: 9 }, { at: 0, price: 4 }, { email: '***' }],
      )
      assert.equal(rest.body['next'], null)
      assert.deepEqual(itemsOf(await get(`${cart}/events?after=5`)), [])
      assert.equal((await get('cart/nobody/events', 'view')).status, 404)
      assert.equal((await get('cart/nobody/events?after=7', 'view')).status, 404)
    })

    test('shows a state as it is, as it was at a version, and at a time', async () => {
      const now = await get(`${cart}/state`)
      assert.deepEqual(now.body['state'], {
        items: [
          { product: 'tea', price: 4 },
          { product: 'pot', price: 9 },
        ],
        buyer: { email: 'eve@example.org' },
      })
      assert.deepEqual([now.body['version'], now.body['stream']], [5, { type: 'cart', id: 'c/1' }])
      const then = await get(`${cart}/state?version=1`)
      assert.deepEqual(then.body['state'], { items: [{ product: 'tea', price: 5 }], buyer: null })
      const nothing = await get(`${cart}/state?version=0`)
      assert.deepEqual([nothing.body['state'], nothing.body['version'], nothing.body['time']], [Cart.initial, 0, null])
      assert.equal((await get(`${cart}/state?version=77`)).body['version'], 5)
      const recorded = await streams.events.read({ type: 'cart', id: 'c/1' }, { after: 0, upTo: null, limit: 9 })
      for (const { time } of recorded) {
        const at = await get(`${cart}/state?time=${time}`)
        assert.equal(at.body['version'], eventsUntil(recorded, { time }).length)
      }
      assert.equal((await get(`${cart}/state?time=2000-01-01`)).body['version'], 0)
      assert.equal((await get(`${cart}/state?time=2999-01-01`)).body['version'], 5)
      assert.equal((await get(`${cart}/state?time=2999-01-01&version=1`)).status, 400)
      assert.equal((await get(`${cart}/state?version=x7y`)).status, 400)
      assert.equal((await get('cart/nobody/state')).status, 404)
    })

    test('tells what changed between two versions, and which event changed a value', async () => {
      const diff = await get(`${cart}/diff?from=1&to=4`)
      assert.deepEqual(diff.body['changes'], [
        { path: '/items/0/price', before: 5, after: 4 },
        { path: '/items/1', after: { product: 'pot', price: 9 } },
        { path: '/buyer', before: null, after: { email: 'ada@example.org' } },
      ])
      const last = await get(`${cart}/diff`)
      assert.deepEqual([last.body['from'], last.body['to']], [4, 5])
      assert.deepEqual(last.body['changes'], [
        { path: '/buyer/email', before: 'ada@example.org', after: 'eve@example.org' },
      ])
      assert.deepEqual((await get(`${cart}/diff?from=0&to=0`)).body['changes'], [])
      for (const query of ['from=3&to=2', 'from=6', 'from=6&to=9'])
        assert.deepEqual([(await get(`${cart}/diff?${query}`)).status], [400], query)
      const price = await get(`${cart}/blame?path=/items/0/price`)
      assert.deepEqual(
        [price.body['streamVersion'], price.body['type'], price.body['change']],
        [4, 'PriceSet', { path: '/items/0/price', before: 5, after: 4 }],
      )
      assert.equal((await get(`${cart}/blame?path=/items/1`)).body['streamVersion'], 3)
      assert.equal((await get(`${cart}/blame`)).body['streamVersion'], 5)
      assert.equal((await get(`${cart}/blame?path=/nowhere`)).status, 404)
      assert.equal((await get(`${cart}/blame?path=items`)).status, 400)
    })

    test('hides from everybody but administrators what the decider says, and names nothing within it', async () => {
      for (const role of ['payloads', 'operate'] as const) {
        const state = await get(`${cart}/state`, role)
        assert.deepEqual([Reflect.get(Object(state.body['state']), 'buyer'), state.body['masked']], ['***', ['buyer']])
        const diff = await get(`${cart}/diff?from=2`, role)
        assert.deepEqual(diff.body['changes'], [
          { path: '/items/0/price', before: 5, after: 4 },
          { path: '/items/1', after: { product: 'pot', price: 9 } },
          { path: '/buyer', before: '***', after: '***' },
        ])
        // That what is hidden was not changed is seen as well.
        assert.doesNotMatch((await get(`${cart}/diff?from=3&to=4`, role)).text, /"path":"\/buyer/)
        // Whether there is such a field within it is not to be found out by asking.
        for (const path of ['/buyer', '/buyer/email', '/buyer/no-such-field']) {
          const blame = await get(`${cart}/blame?path=${path}`, role)
          assert.deepEqual(
            [blame.body['streamVersion'], blame.body['change']],
            [5, { path: '/buyer', before: '***', after: '***' }],
            path,
          )
        }
        assert.equal((await get(`${cart}/blame?path=/items/0/price`, role)).body['streamVersion'], 4)
        assert.doesNotMatch(state.text + diff.text, /@example|email/)
      }
    })

    test('hides a whole state when nobody said what of it may be seen, though its events are hidden in part', async () => {
      const [state, diff, blame] = [
        await get('note/n/state', 'operate'),
        await get('note/n/diff', 'operate'),
        await get('note/n/blame?path=/copied', 'operate'),
      ]
      assert.deepEqual([state.body['state'], state.body['masked']], ['***', ['(all)']])
      assert.deepEqual(diff.body['changes'], [{ path: '', before: '***', after: '***' }])
      assert.deepEqual(blame.body['change'], { path: '', before: '***', after: '***' })
      assert.doesNotMatch(state.text + diff.text + blame.text, /ada@|copied/)
      assert.match((await get('note/n/state')).text, /ada@example\.org/)
    })

    test('shows of streams without a decider their events, their payloads to administrators, and no state', async () => {
      const seen = await get('strange/s/events', 'operate')
      assert.deepEqual([itemsOf(seen)[0]?.['payload'], itemsOf(seen)[0]?.['masked']], ['***', ['(all)']])
      assert.match((await get('strange/s/events')).text, /secret-product/)
      for (const what of ['state', 'diff', 'blame']) {
        const answer = await get(`strange/s/${what}`)
        assert.deepEqual([answer.status, codeOf(answer)], [422, 'UNSUPPORTED'])
      }
    })

    test('folds a long stream page by page, and says how far it goes', async () => {
      const many = Array.from({ length: 500 }, (_, at) => PriceSet({ at: 0, price: at }))
      await streams.handle(Cart, 'long', [ItemPut({ product: 'tea', price: -1 })])
      for (let turn = 0; turn < 5; turn++) await streams.handle(Cart, 'long', many)
      const { body } = await get('cart/long/state')
      assert.deepEqual(
        [body['version'], body['state']],
        [2501, { items: [{ product: 'tea', price: 499 }], buyer: null }],
      )
      assert.equal((await get('cart/long/blame?path=/items/0/price', 'operate')).body['streamVersion'], 2501)
      assert.equal((await get('cart/long/blame?path=/items/0/product')).body['streamVersion'], 1)
      await streams.handle(Cart, 'long', many)
      const tooLong = await get('cart/long/state')
      assert.deepEqual([tooLong.status, codeOf(tooLong)], [422, 'UNSUPPORTED'])
      assert.match(tooLong.text, /up to version 3000/)
      assert.equal((await get('cart/long/state?version=3000')).body['version'], 3000)
      assert.equal((await get('cart/long/diff?from=1500&to=1501')).body['to'], 1501)
      assert.equal(itemsOf(await get('cart/long/events?after=3000')).length, 1)
    })
  })
}
