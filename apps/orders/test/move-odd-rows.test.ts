import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Moved } from '../monolith/move/move.ts'
import { type Moving, startMoving } from './moving.ts'

describe('rows that nobody expects', () => {
  let moving: Moving
  let moved: Moved
  before(async () => {
    moving = await startMoving()
    const order = (id: number, time: string) =>
      moving.sql('monolith', `INSERT INTO orders VALUES ($1, 1, 30.00, 'confirmed', $2)`, [id, time])
    const items = (id: number, n: number, quantity: number, price: string) =>
      moving.sql(
        'monolith',
        `INSERT INTO order_items (order_id, product_id, quantity, price) SELECT $1, 2, $3, $4 FROM generate_series(1, $2)`,
        [id, n, quantity, price],
      )
    const ordered = async (id: number, time: string) => {
      await order(id, time)
      await items(id, 1, 1, '30.00')
    }
    await ordered(101, '12026-01-01 00:00:00+00')
    await ordered(102, '0044-03-15 00:00:00+00 BC')
    await ordered(103, '0044-03-15 00:00:00+00')
    // Where it was written the year 9999 was not over.
    await ordered(104, '9999-12-31 23:59:59.999999-01')
    await ordered(105, '9999-12-31 23:59:59.999999+00')
    await order(106, '2019-04-01 00:00:00+00')
    await items(106, 20_000, 1, '0.01')
    await moving.sql('monolith', 'UPDATE orders SET total_amount = 200.00 WHERE id = 106')
    // A sum of more digits than an amount may have: the one that no reason is written for.
    await moving.sql('monolith', `INSERT INTO orders VALUES (107, 1, NULL, 'created', '2019-04-02 00:00:00+00')`)
    await items(107, 50, 2_147_483_647, '9999999999.99')
    await ordered(108, '2019-04-03 00:00:00+00')
    await items(108, 1, 1, 'NaN')
    await moving.sql('monolith', `INSERT INTO products VALUES (101, 'Book', repeat('x', 2000000), 5.00, 3)`)
    await moving.sql('monolith', `INSERT INTO users VALUES (101, 'far@example.org', NULL, NULL, repeat('x', 2000000))`)
    for (const id of [0, -1, '-9223372036854775808']) {
      await moving.sql('monolith', 'INSERT INTO users (id, email) VALUES ($1::bigint, $2)', [id, `u${id}@example.org`])
      await moving.sql('monolith', `INSERT INTO products VALUES ($1, 'Thing', NULL, 1.00, 1)`, [id])
      await moving.sql('monolith', `INSERT INTO orders VALUES ($1, $1, 0, 'created', '2019-04-03 00:00:00+00')`, [id])
    }
    // As if they had been there before the triggers: only the load can see them.
    await moving.sql('monolith', 'DELETE FROM move.note')
    moved = await moving.run(500)
  })
  after(() => moving?.stop())

  test('are held back by id and reason, and stop nothing', () => {
    const beyond = 'and only the years 1 to 9999 can be moved'
    const held = moved.held.filter(({ id }) => Number(id) > 100).map(({ target, id, reason }) => [target, id, reason])
    const byReason = new Map(held.map(([target, id, reason]) => [`${target} ${id}`, reason ?? '']))
    const startOf = (row: string, length: number) => byReason.get(row)?.slice(0, length)
    assert.deepEqual(
      [...byReason.keys()],
      [
        ...['users 101', 'products 101'],
        ...['orders 101', 'orders 102', 'orders 104', 'orders 106', 'orders 107', 'orders 108'],
      ],
    )
    assert.equal(byReason.get('orders 101'), `its created_at is 12026-01-01 AD, ${beyond}`)
    assert.equal(byReason.get('orders 102'), `its created_at is 0044-03-15 BC, ${beyond}`)
    assert.equal(byReason.get('orders 104'), `its created_at is 10000-01-01 AD, ${beyond}`)
    for (const row of ['users 101', 'products 101', 'orders 106']) assert.equal(startOf(row, 10), 'TOO_LARGE:', row)
    assert.match(byReason.get('orders 107') ?? '', /^INVALID_MESSAGE: .* total_amount/)
    assert.deepEqual([moved.differences, moved.isComplete, moved.sentAgain], [[], true, 0])
    assert.equal(moved.loaded, 29 + 10 + 9)
  })

  test('an order of the year 44 is moved, and no other for it', async () => {
    assert.deepEqual(
      await moving.sql(
        'orders',
        `SELECT aggregate_id AS id, event_data ->> 'created_at' AS at FROM estafet.event_store
        WHERE aggregate_id IN ('102', '103', '105') ORDER BY 1`,
      ),
      [
        { id: '103', at: '0044-03-15T00:00:00.000000Z' },
        { id: '105', at: '9999-12-31T23:59:59.999999Z' },
      ],
    )
  })

  test('ids from 0 down are moved, compared and, when they are gone, sent again like all others', async () => {
    const ids = ['-1', '-9223372036854775808', '0']
    for (const [database, text] of [
      ['users', 'SELECT id FROM users WHERE id = ANY ($1) ORDER BY id COLLATE "C"'],
      ['catalog', 'SELECT id FROM products WHERE id = ANY ($1) ORDER BY id COLLATE "C"'],
      ['inventory', 'SELECT product_id AS id FROM stock WHERE product_id = ANY ($1) ORDER BY 1'],
      ['orders', 'SELECT aggregate_id AS id FROM estafet.event_store WHERE aggregate_id = ANY ($1) ORDER BY 1'],
    ] as const) {
      const rows = await moving.sql(database, text, [ids])
      assert.deepEqual(rows.map(({ id }) => id).toSorted(), ids, database)
    }
    await moving.sql('users', 'DELETE FROM users WHERE id = ANY ($1)', [ids])
    const again = await moving.run(500)
    assert.deepEqual([again.differences, again.isComplete, again.sentAgain], [[], true, 3])
  })

  test('an order that turns out to be of 44 BC is taken back', async () => {
    await moving.sql('monolith', `UPDATE orders SET created_at = '0044-03-15 00:00:00+00 BC' WHERE id = 103`)
    await moving.sql('monolith', 'DELETE FROM move.note')
    const before = await moving.verify()
    assert.deepEqual(
      before.differences.map(({ target, id, kind }) => [target, id, kind]),
      [['orders', '103', 'unexpected']],
    )
    const again = await moving.run(500)
    assert.deepEqual([again.differences, again.isComplete, again.sentAgain], [[], true, 1])
  })

  test('the command ends with 0 over them', async () => {
    const { code, out, err } = await moving.command()
    assert.equal(code, 0, err + out)
    assert.match(out, /products 101: TOO_LARGE: /)
  })
})
