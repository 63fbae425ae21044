import { test } from 'node:test'
import { specification } from 'estafet'
import { ItemAdded, Order, OrderConfirmed } from './order.ts'

const item = { product_id: 'p-1', quantity: 2, price: '50.0' }

test('an order with an item can be confirmed, and an empty one cannot', () => {
  const order = specification(Order)
  order
    .given(ItemAdded(item))
    .when({ do: 'confirm' })
    .gives(OrderConfirmed({ items: 1 }))
  order.given().when({ do: 'confirm' }).refuses('empty')
})
