import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { eventually, idOf, positionOf, type Running, startRunning } from './running.ts'

const item = (product_id: string, quantity: number, price: string) => ({ product_id, quantity, price })

describe('orders over HTTP', () => {
  let running: Running
  before(async () => {
    running = await startRunning()
  })
  after(() => running?.stop())

  const call: Running['call'] = (...args) => running.call(...args)
  const count = async (id: string) => {
    const text = `SELECT count(*)::int AS n FROM estafet.event_store WHERE aggregate_id = $1`
    return (await running.system.orders.pool.query(text, [id])).rows[0]?.n
  }
  const newOrder = async (body: object = {}) => idOf(await call('POST', '/orders', body))

  test('two items at 50.0 and one at 30.0 are 130.0, CONFIRMED, and so are the statistics', async () => {
    const created = await call('POST', '/orders', { country: 'FR' })
    const id = idOf(created)
    assert.deepEqual(
      [created.status, created.headers.get('etag'), created.headers.get('location')],
      [201, '"1"', `/orders/${id}`],
    )
    await call('POST', `/orders/${id}/items`, item('p-1', 2, '50.0'))
    const added = await call('POST', `/orders/${id}/items`, item('p-2', 1, '30.0'))
    assert.deepEqual([added.status, added.headers.get('etag')], [200, '"3"'])
    const confirmed = await call('POST', `/orders/${id}/confirm`)
    const items = [item('p-1', 2, '50.0'), item('p-2', 1, '30.0')]
    const wanted = {
      id,
      version: 4,
      status: 'CONFIRMED',
      customer_id: null,
      country: 'FR',
      items,
      total_amount: '130.0',
    }
    assert.deepEqual([confirmed.status, confirmed.body], [200, wanted])
    assert.deepEqual((await call('GET', `/orders/${id}`)).body, wanted)

    const open = await call('POST', '/orders', {})
    const seen = positionOf(open)
    assert.deepEqual((await call('GET', '/orders/statistics', undefined, seen)).body, {
      ...{ total_orders: 2, confirmed_orders: 1, total_revenue: '130.0' },
    })
    const list = await call('GET', '/orders?status=CONFIRMED', undefined, seen)
    const [row] = (list.body as { items: { created_at: string }[] }).items
    assert.match(row?.created_at ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    const { version: _v, items: _i, ...shown } = wanted
    assert.deepEqual(row, { ...shown, items: 2, created_at: row?.created_at })
    const { body } = await call('GET', '/sales', undefined, seen)
    const [{ day = '' } = {}] = (body as { items: { day?: string }[] }).items
    assert.deepEqual(body, { items: [{ day, country: 'FR', orders: 1, revenue: '130.0' }] })
  })

  test('its events are what the store shows under the usual names', async () => {
    const id = await newOrder({ customer_id: 'c-9' })
    await call('POST', `/orders/${id}/items`, item('p-1', 2, '50.0'))
    await call('POST', `/orders/${id}/confirm`, undefined, { 'x-correlation-id': 'request-7' })
    const { rows } = await running.system.orders.pool.query(
      `SELECT aggregate_type, event_type, event_version, event_data FROM estafet.event_store
      WHERE aggregate_id = $1 ORDER BY event_version`,
      [id],
    )
    assert.deepEqual(
      rows.map(({ aggregate_type, event_type, event_version, event_data }) => [
        ...[aggregate_type, event_type, event_version, event_data],
      ]),
      [
        ['order', 'OrderCreated', 1, { customer_id: 'c-9', country: null }],
        ['order', 'ItemAdded', 2, item('p-1', 2, '50.0')],
        ['order', 'OrderConfirmed', 3, { total_amount: '100.0' }],
      ],
    )
    const events = await running.system.orders.streams.events.read(
      { type: 'order', id },
      { after: 2, upTo: null, limit: 9 },
    )
    assert.equal(events[0]?.correlationId, 'request-7')
    assert.ok(running.lines.some(({ correlation_id, order_id }) => correlation_id === 'request-7' && order_id === id))
  })

  test('cents are exact, where binary fractions are not', async () => {
    const id = await newOrder()
    for (let at = 0; at < 10; at++) await call('POST', `/orders/${id}/items`, item('p', 1, '0.10'))
    await call('POST', `/orders/${id}/items`, item('p', 1_000_000, '999999999.9999'))
    const { body } = await call('POST', `/orders/${id}/confirm`)
    assert.equal((body as { total_amount: string }).total_amount, '999999999999901.0000')
  })

  test('an empty order and a processed one are refused, and an unknown one is not there', async () => {
    const id = await newOrder()
    const empty = await call('POST', `/orders/${id}/confirm`)
    assert.deepEqual([empty.status, empty.fields], [409, ['items']])
    await call('POST', `/orders/${id}/items`, item('p', 1, '1'))
    await call('POST', `/orders/${id}/confirm`)
    const again = await call('POST', `/orders/${id}/confirm`)
    assert.deepEqual([again.status, again.fields], [409, ['status']])
    const late = await call('POST', `/orders/${id}/items`, item('p', 1, '1'))
    assert.deepEqual([late.status, late.fields], [409, ['status']])
    assert.equal(await count(id), 3)
    for (const [method, path] of [
      ['POST', `/orders/${randomUUID()}/confirm`],
      ['GET', `/orders/${randomUUID()}`],
      ['GET', `/orders/${randomUUID()}/details`],
    ] as const) {
      assert.equal((await call(method, path)).status, 404)
    }
  })

  test('a stale If-Match is 412 with the actual version, and nothing is written', async () => {
    const id = await newOrder()
    await call('POST', `/orders/${id}/items`, item('p', 1, '1'))
    const stale = await call('POST', `/orders/${id}/items`, item('q', 1, '1'), { 'if-match': '"1"' })
    assert.deepEqual([stale.status, stale.fields, stale.headers.get('etag')], [412, ['if-match'], '"2"'])
    assert.equal((stale.body as { actual_version: number }).actual_version, 2)
    assert.equal(await count(id), 2)
    const fresh = await call('POST', `/orders/${id}/items`, item('q', 1, '1'), { 'if-match': '"2"' })
    assert.equal(fresh.status, 200)
    await call('POST', `/orders/${id}/confirm`, undefined, { 'if-match': '*' })
    // Also where the command would be refused: the caller has seen another order than this one.
    const confirmed = await call('POST', `/orders/${id}/confirm`, undefined, { 'if-match': '"3"' })
    assert.deepEqual([confirmed.status, confirmed.headers.get('etag')], [412, '"4"'])
  })

  test('a repeated Idempotency-Key appends once, also at the same time, and answers as the first time', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const created = await Promise.all(
      Array.from({ length: 4 }, () => call('POST', '/orders', { country: 'DE' }, headers)),
    )
    assert.deepEqual(created.map(({ status }) => status).toSorted(), [200, 200, 200, 201])
    const [id, ...others] = created.map(idOf)
    assert.ok(id !== undefined && others.every((other) => other === id))
    const key = { 'idempotency-key': 'add/1' }
    const first = await call('POST', `/orders/${id}/items`, item('p', 1, '1.5'), key)
    await call('POST', `/orders/${id}/items`, item('q', 1, '1'))
    await call('POST', `/orders/${id}/confirm`)
    // By now the order would refuse it, and the version is another.
    const again = await call('POST', `/orders/${id}/items`, item('p', 1, '1.5'), { ...key, 'if-match': '"1"' })
    assert.deepEqual([again.status, again.body], [200, first.body])
    assert.equal(again.headers.get('etag'), '"2"')
    assert.equal(await count(id), 4)
    const other = await call('POST', `/orders/${id}/items`, item('p', 2, '1.5'), key)
    assert.deepEqual([other.status, other.fields], [409, ['idempotency-key']])
    const otherOrder = await call('POST', '/orders', { country: 'IT' }, headers)
    assert.deepEqual([otherOrder.status, otherOrder.fields], [409, ['idempotency-key']])
    assert.equal(await count(id), 4)
  })

  test('of racing confirmations one wins', async () => {
    const id = await newOrder()
    await call('POST', `/orders/${id}/items`, item('p', 1, '1'))
    const plain = await Promise.all(Array.from({ length: 8 }, () => call('POST', `/orders/${id}/confirm`)))
    assert.deepEqual(plain.map(({ status }) => status).toSorted(), [200, ...Array(7).fill(409)])
    const other = await newOrder()
    await call('POST', `/orders/${other}/items`, item('p', 1, '1'))
    const seen = { 'if-match': '"2"' }
    const guarded = await Promise.all(
      Array.from({ length: 8 }, () => call('POST', `/orders/${other}/confirm`, undefined, seen)),
    )
    assert.deepEqual(guarded.map(({ status }) => status).toSorted(), [200, ...Array(7).fill(412)])
    assert.deepEqual([await count(id), await count(other)], [3, 3])
  })

  test('of racing items none is lost', async () => {
    const id = await newOrder()
    const adding = Array.from({ length: 10 }, (_, at) => call('POST', `/orders/${id}/items`, item(`p-${at}`, 1, '0.1')))
    const statuses = (await Promise.all(adding)).map(({ status }) => status)
    // Who lost ten times in a row is told to try again; nothing else may happen.
    assert.ok(
      statuses.every((status) => status === 200 || status === 503),
      String(statuses),
    )
    const { body } = await call('GET', `/orders/${id}`)
    const done = statuses.filter((status) => status === 200).length
    assert.equal((body as { items: unknown[] }).items.length, done)
    assert.ok(done > 0)
  })

  test('an order can be read as it was at a version and at a time', async () => {
    const id = await newOrder()
    await call('POST', `/orders/${id}/items`, item('p', 2, '50.0'))
    await call('POST', `/orders/${id}/confirm`)
    const at = async (query: string) => {
      const { status, body, fields } = await call('GET', `/orders/${id}?${query}`)
      const { status: state, total_amount, version } = body as Record<string, unknown>
      return status === 200 ? [state, total_amount, version] : [status, fields]
    }
    assert.deepEqual(await at('version=1'), ['CREATED', '0', 1])
    assert.deepEqual(await at('version=2'), ['CREATED', '100.0', 2])
    assert.deepEqual(await at('version=3'), ['CONFIRMED', '100.0', 3])
    assert.deepEqual(await at('version=4'), [404, ['version']])
    assert.deepEqual(await at('version=0'), [422, ['version']])
    const { rows } = await running.system.orders.pool.query(
      `SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at FROM estafet.event_store
      WHERE aggregate_id = $1 ORDER BY event_version`,
      [id],
    )
    assert.deepEqual((await at(`time=${rows[2]?.at}`)).at(2), 3)
    assert.deepEqual(await at('time=2001-01-01T00:00:00Z'), [404, ['time']])
    assert.deepEqual(await at('time=yesterday'), [422, ['time']])
    assert.deepEqual(await at('time=2001-01-01T00:00:00Z&version=1'), [422, ['time']])
  })

  test('a reader who brings his position sees what he wrote, or 202 and no data', async () => {
    for (let at = 0; at < 5; at++) {
      const created = await call('POST', '/orders', { country: `C${at}` })
      const { status, body } = await call('GET', `/orders/${idOf(created)}/details`, undefined, positionOf(created))
      assert.deepEqual([status, (body as { status: string }).status], [200, 'CREATED'])
    }
    const client = await running.system.orders.pool.connect()
    try {
      // Readers may pass, and the projection may not.
      await client.query('BEGIN; LOCK TABLE order_statistics_v1 IN EXCLUSIVE MODE')
      const created = await call('POST', '/orders', {})
      const early = await call('GET', '/orders/statistics', undefined, positionOf(created))
      assert.deepEqual([early.status, early.body, early.headers.get('retry-after')], [202, '', '1'])
      assert.equal(early.headers.get('estafet-position'), created.headers.get('estafet-position'))
      // Where a stale answer is better than none.
      assert.equal((await call('GET', '/orders/statistics')).status, 200)
    } finally {
      await client.query('ROLLBACK')
      client.release()
    }
    const beyond = await call('GET', '/orders', undefined, { 'estafet-position': '9999999999999999999' })
    assert.deepEqual([beyond.status, beyond.fields], [422, ['estafet-position']])
  })

  test('details follow who bought and what, also when they are told of later', async () => {
    await call('PUT', '/users/c-1', { email: 'ada@example.org', name: 'Ada' })
    await call('PUT', '/products/p-lamp', { name: 'Lamp', price: '50.0' })
    const id = await newOrder({ customer_id: 'c-1' })
    await call('POST', `/orders/${id}/items`, item('p-lamp', 2, '50.0'))
    const added = await call('POST', `/orders/${id}/items`, item('p-late', 1, '30.0'))
    await call('PUT', '/products/p-late', { name: 'Chair – blå', price: null })
    await call('PUT', '/users/c-1', { email: 'ada@example.org', name: 'Ada Lovelace' })
    const look = async () => (await call('GET', `/orders/${id}/details`, undefined, positionOf(added))).body
    const wanted = {
      ...{ id, status: 'CREATED', total_amount: '130.0' },
      customer: { id: 'c-1', name: 'Ada Lovelace', email: 'ada@example.org' },
      items: [
        { ...item('p-lamp', 2, '50.0'), product_name: 'Lamp' },
        { ...item('p-late', 1, '30.0'), product_name: 'Chair – blå' },
      ],
    }
    const seen = await eventually(
      look,
      (body) => JSON.stringify(body).includes('blå') && JSON.stringify(body).includes('Lovelace'),
    )
    assert.deepEqual(seen, wanted)
    const taken = await call('PUT', '/users/c-2', { email: 'ADA@example.org' })
    assert.deepEqual([taken.status, taken.fields], [409, ['email']])
  })

  test('every read model is what its events make it', async () => {
    const { people } = running.system.orders
    const { readModels } = await import('../orders/read-models.ts')
    for (const model of readModels.filter(({ name }) => name !== 'order-details')) {
      assert.equal((await people.verify(model)).isEqual, true, model.name)
    }
  })

  const bad: readonly (readonly [
    string,
    string,
    string,
    number,
    readonly string[],
    unknown,
    Record<string, string>?,
  ])[] = [
    ['a quantity of none', 'POST', '/orders/ID/items', 422, ['quantity'], item('p', 0, '1')],
    ['half a thing', 'POST', '/orders/ID/items', 422, ['quantity'], item('p', 1.5, '1')],
    ['a price that is a number', 'POST', '/orders/ID/items', 422, ['price'], { ...item('p', 1, ''), price: 50.0 }],
    ['a price below nothing', 'POST', '/orders/ID/items', 422, ['price'], item('p', 1, '-1')],
    ['a price of five places', 'POST', '/orders/ID/items', 422, ['price'], item('p', 1, '1.00001')],
    ['no fields', 'POST', '/orders/ID/items', 422, ['price', 'product_id', 'quantity'], {}],
    ['an unknown field', 'POST', '/orders/ID/items', 422, ['gift'], { ...item('p', 1, '1'), gift: true }],
    ['no JSON', 'POST', '/orders/ID/items', 400, ['(body)'], '{"product'],
    ['a country with NUL', 'POST', '/orders', 422, ['country'], { country: 'a\u0000b' }],
    ['an empty idempotency key', 'POST', '/orders', 422, ['idempotency-key'], {}, { 'idempotency-key': '' }],
    ['a weak tag', 'POST', '/orders/ID/confirm', 422, ['if-match'], undefined, { 'if-match': 'W/"1"' }],
    ['an unfit correlation id', 'POST', '/orders', 422, ['x-correlation-id'], {}, { 'x-correlation-id': 'a b' }],
    ['too much', 'POST', '/orders', 413, [], { country: 'x'.repeat(60_000) }],
    ['a page of none', 'GET', '/orders?limit=0', 422, ['limit'], undefined],
    ['a day that is none', 'GET', '/sales?from=2026-02-30', 422, ['from'], undefined],
    ['a day of the year 0', 'GET', '/sales?from=0000-01-01', 422, ['from'], undefined],
    ['days to the year 0', 'GET', '/sales?to=0000-12-31', 422, ['to'], undefined],
    ['an id below 0, which a moved order may have', 'GET', '/orders/-1', 404, ['id'], undefined],
    ['no e-mail', 'PUT', '/users/u-1', 422, ['email'], { email: 'somebody' }],
    ['a request from another page', 'POST', '/orders', 403, [], {}, { origin: 'http://elsewhere.example' }],
  ]
  for (const [name, method, path, status, fields, body, headers = {}] of bad) {
    test(`${name} (${method} ${path}): ${status}, a problem document, nothing written`, async () => {
      const all = async () =>
        (await running.system.orders.pool.query('SELECT count(*)::int AS n FROM estafet.event_store')).rows[0]?.n
      const id = await newOrder()
      const before = await all()
      const answer = await call(method, path.replace('ID', id), body, headers)
      assert.deepEqual([answer.status, answer.fields], [status, fields])
      assert.equal(await all(), before)
    })
  }

  test('the OpenAPI document names every route', async () => {
    const { body } = await call('GET', '/openapi.json')
    assert.deepEqual(Object.keys((body as { paths: object }).paths).toSorted(), [
      ...['/health/ready', '/orders', '/orders/statistics', '/orders/{id}', '/orders/{id}/confirm'],
      ...['/orders/{id}/details', '/orders/{id}/items', '/products/{id}', '/sales', '/users/{id}'],
    ])
  })
})

test('a restart keeps all', async () => {
  const first = await startRunning()
  const id = idOf(await first.call('POST', '/orders', { country: 'FR' }))
  await first.call('POST', `/orders/${id}/items`, item('p-1', 2, '50.0'), { 'idempotency-key': 'a' })
  const confirmed = await first.call('POST', `/orders/${id}/confirm`)
  await first.stop('keep')
  const second = await startRunning({ ORDERS_HOME: first.home })
  try {
    assert.deepEqual((await second.call('GET', `/orders/${id}`)).body, confirmed.body)
    assert.deepEqual((await second.call('GET', '/orders/statistics', undefined, positionOf(confirmed))).body, {
      ...{ total_orders: 1, confirmed_orders: 1, total_revenue: '100.0' },
    })
    await second.call('POST', `/orders/${id}/items`, item('p-1', 2, '50.0'), { 'idempotency-key': 'a' })
    assert.deepEqual((await second.call('GET', `/orders/${id}`)).body, confirmed.body)
  } finally {
    await second.stop()
  }
})
