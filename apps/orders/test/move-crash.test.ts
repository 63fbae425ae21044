import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Moving, startMoving } from './moving.ts'

describe('the move, killed at any step', () => {
  let moving: Moving
  before(async () => {
    moving = await startMoving()
  })
  after(() => moving?.stop())

  const published = async () =>
    await moving.sql('monolith', 'SELECT type, key, count(*)::int AS n FROM estafet.outbox GROUP BY 1, 2 ORDER BY 1, 2')

  const loading = [
    ...(['load begun', 'load published', 'load committed'] as const).flatMap((point) => [
      [point, 1] as const,
      [point, 3] as const,
    ]),
    ...(['target begun', 'target before commit', 'target committed'] as const).map((point) => [point, 2] as const),
  ]
  test('goes on where it was: every row is published and taken once', async () => {
    for (const [point, times] of loading) {
      const { signal, err } = await moving.killedAt(point, times)
      assert.equal(signal, 'SIGKILL', `${point}: ${err}`)
    }
    const moved = await moving.run()
    assert.deepEqual([moved.differences, moved.isComplete, moved.sentAgain], [[], true, 0])
    const rows = await published()
    // Users, products and their stock, orders: one message each, whatever was begun again.
    assert.equal(rows.length, 7 + 8 + 8 + 14)
    assert.deepEqual(
      rows.filter(({ n }) => n !== 1),
      [],
    )
    const twice = await moving.sql(
      'orders',
      'SELECT aggregate_id FROM estafet.event_store GROUP BY 1 HAVING count(*) > 1',
    )
    assert.deepEqual(twice, [])
    assert.deepEqual(await moving.sql('inventory', 'SELECT count(*)::int AS n FROM stock_movement'), [{ n: 6 }])
  })

  test('loses no change that it was told of', async () => {
    for (const point of ['change begun', 'change published', 'change committed']) {
      await moving.sql('monolith', `UPDATE users SET name = name || '!' WHERE name IS NOT NULL`)
      await moving.sql('monolith', 'UPDATE order_items SET price = price WHERE order_id < 5')
      const { signal, err } = await moving.killedAt(point, 2)
      assert.equal(signal, 'SIGKILL', `${point}: ${err}`)
    }
    const moved = await moving.run()
    assert.deepEqual([moved.differences, moved.isComplete, moved.sentAgain], [[], true, 0])
    assert.deepEqual(await moving.sql('users', `SELECT name FROM users WHERE id = '1'`), [{ name: 'Ada Lovelace!!!' }])
  })
})

test('while people go on writing to the monolith, all that they wrote is moved in the end', async () => {
  const moving = await startMoving()
  try {
    await moving.sql(
      'monolith',
      `INSERT INTO users (email) SELECT 'u' || n || '@example.org' FROM generate_series(1, 150) AS n`,
    )
    let isOver = false
    const write = async (): Promise<void> => {
      for (let n = 0; !isOver; n++) {
        const id = 8 + (n % 150)
        await moving.sql('monolith', `UPDATE users SET name = $1 WHERE id = $2`, [`name ${n}`, id])
        await moving.sql('monolith', `UPDATE products SET stock_quantity = $1, price = $2 WHERE id = 1`, [n, n + 0.5])
        await moving.sql(
          'monolith',
          `WITH o AS (INSERT INTO orders (user_id, total_amount, status, created_at) VALUES ($1, 30.10, 'confirmed', now())
            RETURNING id)
          INSERT INTO order_items (order_id, product_id, quantity, price) SELECT id, 1, 1, 30.10 FROM o`,
          [id],
        )
        if (n % 5 === 0) await moving.sql('monolith', 'DELETE FROM orders WHERE id = (SELECT max(id) - 3 FROM orders)')
        await sleep(10)
      }
    }
    const writing = write()
    // What was written just now may be missing still; what is missing is named, never more.
    const during = await moving.run(50)
    isOver = true
    await writing
    assert.ok(during.followed > 0)
    const moved = await moving.run(50)
    assert.deepEqual([moved.differences, moved.isComplete, moved.sentAgain], [[], true, 0])
    assert.ok(moved.rows > 200)
  } finally {
    await moving.stop()
  }
})
