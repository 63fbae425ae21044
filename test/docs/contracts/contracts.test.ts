import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkContracts, committedOf, contractFiles } from 'estafet/contracts'
import today from './contracts.ts'

test('the module of the guide makes the files that the guide names, and passes them', () => {
  const files = contractFiles(today, { contracts: [], samples: [] })
  assert.deepEqual([...files.keys()].toSorted(), [
    'billing.asyncapi.json',
    'billing.json',
    'orders.asyncapi.json',
    'orders.json',
    'orders/order.placed.v1.json',
  ])
  assert.deepEqual(checkContracts(today, committedOf(files)), { breaks: [], notes: [] })
})
