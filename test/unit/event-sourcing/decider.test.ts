import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decider, isEstafetError, specification, streamEvent, when } from 'estafet'
import * as z from 'zod'
import { add, confirm, ItemAdded, Order, OrderConfirmed } from './order.ts'

const items = [
  ItemAdded({ product_id: 'a', quantity: 2, price: '50.0' }),
  ItemAdded({ product_id: 'b', quantity: 1, price: '30.0' }),
]

test('two items at 50.0 and one at 30.0 make 130.0', () => {
  const order = specification(Order)
  order
    .given(...items)
    .when(confirm)
    .gives(OrderConfirmed({ total_amount: '130.0' }))
  order
    .given(...items)
    .when(confirm)
    .leaves({ status: 'CONFIRMED', items: 2, total: 1300 })
  order
    .given()
    .when(add('a', 2, '50.0'))
    .gives(ItemAdded({ product_id: 'a', quantity: 2, price: '50.0' }))
  order.given(...items).is({ status: 'CREATED', items: 2, total: 1300 })
})

test('items are added only while the order is created, and an empty or processed order is not confirmed', () => {
  const order = specification(Order)
  const done = [...items, OrderConfirmed({ total_amount: '130.0' })]
  order
    .given(...done)
    .when(add('c', 1, '1.0'))
    .refuses('already processed')
  order
    .given(...done)
    .when(confirm)
    .refuses(/already/)
  order
    .given()
    .when(confirm)
    .refuses((error) => error instanceof Error && error.message.startsWith('an empty'))
})

test('a specification that does not hold says what was expected and what came', () => {
  const order = specification(Order)
  const fails = (run: () => void, ...texts: readonly string[]) =>
    assert.throws(run, (error) => error instanceof Error && texts.every((text) => error.message.includes(text)))
  fails(
    () =>
      order
        .given(...items)
        .when(confirm)
        .gives(OrderConfirmed({ total_amount: '13.0' })),
    '"13.0"',
    '"130.0"',
  )
  fails(
    () =>
      order
        .given(...items)
        .when(confirm)
        .gives(),
    'expected []',
    'OrderConfirmed',
  )
  fails(
    () =>
      order
        .given(...items)
        .when(confirm)
        .refuses('empty'),
    'these happened',
    'OrderConfirmed',
  )
  fails(() => order.given().when(confirm).gives(), 'it was refused: an empty order')
  fails(() => order.given().when(confirm).refuses('something else'), 'another refusal', 'an empty order')
  fails(() => order.given().is({ status: 'CONFIRMED', items: 0, total: 0 }), 'the state', 'CONFIRMED', 'CREATED')
})

test('an event that the decider does not know stops it', () => {
  const Odd = streamEvent('Odd', { version: 1, schema: z.string() })
  assert.throws(
    () => specification(Order).given(Odd('x')),
    (error) => isEstafetError(error, 'UNDECODABLE') && error.message.includes('add when(Odd'),
  )
})

test('a decider with faults names them all', () => {
  const twice = when(ItemAdded, (state: number) => state)
  assert.throws(
    () => decider<number, null>('', { initial: 0, decide: () => [], evolve: [twice, twice], snapshotEvery: -1 }),
    (error) =>
      isEstafetError(error, 'MISCONFIGURED') &&
      ['the type ""', 'a version of ItemAdded twice', 'snapshotEvery'].every((text) => error.message.includes(text)),
  )
})

test('another program folds under another name: the text of evolve, versions, initial state and revision are in it', () => {
  const of = (initial: number, evolve: (state: number) => number, revision?: number) =>
    decider<number, null>('n', {
      ...{ initial, decide: () => [], evolve: [when(ItemAdded, evolve)] },
      ...(revision === undefined ? {} : { revision }),
    }).fold
  const folds = [of(0, (n) => n + 1), of(0, (n) => n + 2), of(1, (n) => n + 1), of(0, (n) => n + 1, 2)]
  assert.equal(new Set(folds).size, 4)
  assert.equal(
    of(0, (n) => n + 1),
    of(0, (n) => n + 1, 1),
  )
})
