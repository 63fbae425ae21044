import assert from 'node:assert/strict'
import { test } from 'node:test'
import { specification } from 'estafet'
import { ItemAdded, OrderConfirmed, OrderCreated, OrderTakenOver, OrderWithdrawn } from '../orders/events.ts'
import { isSameAmount, plus } from '../orders/money.ts'
import { Order, Refused } from '../orders/order.ts'

const created = OrderCreated({ customer_id: null, country: null })
const [two, one] = [
  { product_id: 'p-1', quantity: 2, price: '50.0' },
  { product_id: 'p-2', quantity: 1, price: '30.0' },
]
const taken = {
  ...{ customer_id: '1', status: 'CREATED' as const, total_amount: '50.00', created_at: '2020-01-01T00:00:00.000000Z' },
  items: [{ item_id: '1', product_id: '7', quantity: 1, price: '50.00' }],
}
const order = specification(Order)
const because = (why: Refused['why']) => (error: unknown) => error instanceof Refused && error.why === why

test('two items at 50.0 and one at 30.0 make 130.0', () => {
  const confirmed = OrderConfirmed({ total_amount: '130.0' })
  order.given(created, ItemAdded(two), ItemAdded(one)).when({ do: 'confirm' }).gives(confirmed)
})

test('only an order with items that is CREATED is confirmed, and only such a one takes more', () => {
  order.given().when({ do: 'confirm' }).refuses(because('missing'))
  order.given(created).when({ do: 'confirm' }).refuses(because('empty'))
  const done = order.given(created, ItemAdded(two), OrderConfirmed({ total_amount: '100.0' }))
  done.when({ do: 'confirm' }).refuses(because('processed'))
  done.when({ do: 'add', ...one }).refuses(because('processed'))
  order.given(created).when({ do: 'create', customer_id: null, country: null }).refuses(because('exists'))
})

test('what is taken over is as it is there, again and again, until it is changed here', () => {
  const take = { do: 'take over', order: taken } as const
  order.given().when(take).gives(OrderTakenOver(taken))
  order.given(OrderTakenOver(taken)).when(take).gives(OrderTakenOver(taken))
  order.given(OrderTakenOver(taken)).when({ do: 'withdraw' }).gives(OrderWithdrawn({}))
  order.given(OrderTakenOver(taken), OrderWithdrawn({})).when(take).gives(OrderTakenOver(taken))
  order.given().when({ do: 'withdraw' }).gives()
  order.given(OrderTakenOver(taken), ItemAdded(one)).when(take).refuses(because('owned'))
  order.given(created).when(take).refuses(because('owned'))
  order
    .given()
    .when({ ...take, order: { ...taken, total_amount: '50.01' } })
    .refuses(because('sum'))
})

test('amounts are exact, with the most places of their parts', () => {
  assert.equal(plus('0', { quantity: 3, price: '0.1' }), '0.3')
  assert.equal(plus('0.30', { quantity: 1, price: '1' }), '1.30')
  assert.equal(plus('-0.05', { quantity: 1, price: '0.001' }), '-0.049')
  assert.equal(plus('9007199254740993.01', { quantity: 1, price: '0.01' }), '9007199254740993.02')
  assert.deepEqual([isSameAmount('130', '130.00'), isSameAmount('0.1', '0.10001')], [true, false])
})
