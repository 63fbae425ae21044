import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Difference, Remark } from '../monolith/move/verify.ts'
import { type Moving, startMoving } from './moving.ts'

const remarks = (of: readonly Remark[]) => of.map(({ target, id, reason }) => `${target} ${id}: ${reason}`)
const said = (of: readonly Difference[]) => of.map(({ target, id, kind, what }) => `${target} ${id} ${kind}: ${what}`)

const heldBack = [
  'users 4: its email is that of user 1, but for case',
  'users 5: it has no email',
  'products 8: it has no name',
  'stock 6: its stock_quantity is -2',
  'stock 7: nobody knows its stock_quantity',
  'orders 7: its total_amount is 99.99, and its items add up to 100.00',
  'orders 8: it is confirmed and has no items',
  'orders 9: its status is refunded',
  'orders 12: it has no created_at',
  'orders 13: item 15 has the quantity -1',
]

describe('the move of the monolith', () => {
  let moving: Moving
  before(async () => {
    moving = await startMoving()
  })
  after(() => moving?.stop())

  const events = async () =>
    moving.sql('orders', 'SELECT aggregate_id, event_type FROM estafet.event_store ORDER BY 1, event_version')

  test('takes every row to its service, and lists what cannot be moved by id and reason', async () => {
    const moved = await moving.run()
    assert.deepEqual(said(moved.differences), [])
    assert.deepEqual(remarks(moved.held), heldBack)
    assert.deepEqual(remarks(moved.notes), [
      'products 4: it has no price: it is not sold any more',
      'orders 10: its user 4 is held back',
      'orders 11: item 12 names product 77, which there is not',
    ])
    assert.deepEqual([moved.isComplete, moved.loaded, moved.sentAgain], [true, 29, 0])
    assert.deepEqual(await moving.sql('users', 'SELECT id, email, name, address FROM users ORDER BY id'), [
      { id: '1', email: 'ada@example.org', name: 'Ada Lovelace', address: `12 St James's Square, London` },
      { id: '2', email: 'grace@example.org', name: 'Grace Hopper', address: null },
      { id: '3', email: 'søren@example.dk', name: 'Søren Kierkegård 🪑', address: 'Nytorv 2\nKøbenhavn' },
      { id: '6', email: 'linus@example.fi', name: null, address: '' },
      { id: '7', email: '山田@example.jp', name: '山田太郎', address: '東京都' },
    ])
    const [order] = await moving.sql(
      'orders',
      `SELECT event_data FROM estafet.event_store WHERE aggregate_id = '2' AND event_type = 'OrderTakenOver'`,
    )
    const item = { product_id: '3', quantity: 1, price: '0.10' }
    assert.deepEqual(order?.['event_data'], {
      ...{ customer_id: '2', status: 'CONFIRMED', total_amount: '0.30', created_at: '2019-03-01T23:59:59.999999Z' },
      items: ['3', '4', '5'].map((item_id) => ({ item_id, ...item })),
    })
    assert.deepEqual(
      await moving.sql('inventory', 'SELECT product_id, quantity, reason FROM stock_movement ORDER BY 1'),
      (
        [
          ['1', 7],
          ['2', 0],
          ['3', 100000],
          ['4', 0],
          ['5', 40],
          ['8', 1],
        ] as const
      ).map(([product_id, quantity]) => ({ product_id, quantity, reason: 'opening' })),
    )
  })

  test('compares totals as exact decimals, with what is held back', async () => {
    const { totals } = await moving.verify()
    assert.ok(totals.every(({ isRight }) => isRight))
    const orders = totals.filter(({ target }) => target === 'orders')
    assert.deepEqual(
      orders.map(({ measure, source, held, moved }) => [measure, source, held, moved]),
      [
        ['rows', '14', '5', '9'],
        ['total_amount', '2222.26', '169.99', '2052.27'],
        ['items', '16', '5', '11'],
        ['price of items', '2222.27', '170.00', '2052.27'],
      ],
    )
  })

  test('again, it has nothing to do', async () => {
    const before = await events()
    const moved = await moving.run()
    assert.deepEqual([moved.loaded, moved.followed, moved.isComplete], [0, 0, true])
    assert.deepEqual(await events(), before)
  })

  test('follows what changed since, and moves a row once somebody has mended it', async () => {
    await moving.sql('monolith', `UPDATE users SET email = 'ada.l@example.org' WHERE id = 4`)
    await moving.sql('monolith', 'UPDATE orders SET total_amount = 100.00 WHERE id = 7')
    await moving.sql('monolith', 'UPDATE order_items SET quantity = 1, price = 25.98 WHERE id = 6')
    await moving.sql('monolith', 'DELETE FROM orders WHERE id = 14')
    await moving.sql('monolith', 'UPDATE products SET stock_quantity = 5 WHERE id = 1')
    await moving.sql('monolith', 'DELETE FROM products WHERE id = 4')
    await moving.sql('monolith', `INSERT INTO users (email) VALUES ('new@example.org')`)
    const moved = await moving.run()
    assert.deepEqual(said(moved.differences), [])
    const mended = ['users 4', 'orders 7']
    assert.deepEqual(
      remarks(moved.held),
      heldBack.filter((line) => !mended.some((row) => line.startsWith(`${row}:`))),
    )
    assert.ok(!remarks(moved.notes).some((line) => line.startsWith('orders 10:')))
    assert.deepEqual(
      await moving.sql('inventory', `SELECT quantity, reason FROM stock_movement WHERE product_id = '1'`),
      [
        { quantity: 7, reason: 'opening' },
        { quantity: -2, reason: 'correction' },
      ],
    )
    const of = async (id: string) =>
      (await events()).filter(({ aggregate_id }) => aggregate_id === id).map(({ event_type }) => event_type)
    assert.deepEqual(
      [await of('3'), await of('14')],
      [
        ['OrderTakenOver', 'OrderTakenOver'],
        ['OrderTakenOver', 'OrderWithdrawn'],
      ],
    )
  })

  test('TRUNCATE, which nobody would notice, is refused', async () => {
    await assert.rejects(moving.sql('monolith', 'TRUNCATE order_items'), /is being moved/)
  })

  const corruptions: readonly (readonly [string, string, string, RegExp])[] = [
    [
      'a name that is another',
      'users',
      `UPDATE users SET name = 'Eve' WHERE id = '2'`,
      /^users 2 different: name is another$/,
    ],
    ['a user that is gone', 'users', `DELETE FROM users WHERE id = '3'`, /^users 3 missing/],
    [
      'a hash that is gone',
      'users',
      `UPDATE users SET password_hash = NULL WHERE id = '1'`,
      /^users 1 different: password_hash/,
    ],
    ['a cent', 'catalog', `UPDATE products SET price = price + 0.01 WHERE id = '5'`, /^products 5 different: price/],
    [
      'a product that nobody moved',
      'catalog',
      `INSERT INTO products VALUES ('99', 'Ghost', NULL, 1, 'monolith')`,
      /^products 99 unexpected/,
    ],
    ['a level', 'inventory', `UPDATE stock SET level = 39 WHERE product_id = '5'`, /^stock 5 different: quantity/],
    [
      'an audit that does not add up',
      'inventory',
      `INSERT INTO stock_movement (product_id, quantity, reason, message_id, at)
      VALUES ('3', -1, 'correction', gen_random_uuid(), now())`,
      /^stock 3 different: its level is 100000, and its movements add up to 99999$/,
    ],
    [
      'an event of which a digit flipped',
      'orders',
      `ALTER TABLE estafet.event DISABLE TRIGGER ALL;
      UPDATE estafet.event SET payload = replace(payload::text, '"quantity":2', '"quantity":3')::json WHERE stream_id = '1';
      ALTER TABLE estafet.event ENABLE TRIGGER ALL`,
      /^orders 1 different: items\[0\]\.quantity is another$/,
    ],
  ]
  for (const [name, database, text, wanted] of corruptions) {
    test(`the verification finds ${name}, and names it`, async () => {
      const before = said((await moving.verify()).differences)
      await moving.sql(database, text)
      const found = said((await moving.verify()).differences).filter((line) => !before.includes(line))
      assert.match(found[0] ?? '', wanted)
      const row = (line: string) => line.split(' ').slice(0, 2).join(' ')
      assert.equal(new Set(found.map(row)).size, 1, found.join('\n'))
    })
  }

  test('the command ends with 1 then, and says the same as JSON', async () => {
    const { code, out } = await moving.command('--verify', '--json')
    assert.equal(code, 1)
    const { isComplete, differences, totals } = JSON.parse(out)
    assert.equal(isComplete, false)
    const rows = new Set(differences.map(({ target, id }: Difference) => `${target} ${id}`))
    assert.equal(rows.size, corruptions.length)
    assert.ok(totals.some(({ isRight }: { isRight: boolean }) => !isRight))
    const text = await moving.command('--verify')
    assert.match(text.out, /Not as it should be \(\d+\):[\s\S]*users 2 is different: name is another/)
    assert.equal(text.code, 1)
  })

  test('options that there are not end it with 2', async () => {
    const { code, err } = await moving.command('--fast')
    assert.deepEqual([code, /--fast[\s\S]*Options: --verify/.test(err)], [2, true])
    assert.equal((await moving.command('--batch', '0')).code, 2)
  })
})

describe('what is changed in a service', () => {
  let moving: Moving
  before(async () => {
    moving = await startMoving()
  })
  after(() => moving?.stop())

  test('is not overwritten by the monolith, and is named', async () => {
    assert.equal((await moving.run()).isComplete, true)
    await moving.sql('users', `UPDATE users SET name = 'Grace', owner = 'users' WHERE id = '2'`)
    await moving.sql('monolith', `UPDATE users SET name = 'G. Hopper' WHERE id = 2`)
    const moved = await moving.run()
    assert.equal(moved.isComplete, false)
    assert.deepEqual(said(moved.differences), [
      'users 2 different: name is another',
      'users 2 different: it was changed in its service',
    ])
    assert.deepEqual(
      moved.stuck.map(({ service, key }) => [service, key]),
      [['users', '2']],
    )
    assert.deepEqual(await moving.sql('users', `SELECT name FROM users WHERE id = '2'`), [{ name: 'Grace' }])
  })
})

test('--strict counts what is held back, and more sample rows are all moved', async () => {
  const moving = await startMoving()
  try {
    const { code, out, err } = await moving.command('--more', '300', '--json', '--batch', '50')
    assert.equal(code, 0, err + out)
    assert.deepEqual([JSON.parse(out).loaded, JSON.parse(out).held.length], [929, heldBack.length])
    assert.equal((await moving.command('--verify', '--strict')).code, 1)
  } finally {
    await moving.stop()
  }
})
