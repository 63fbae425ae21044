import assert from 'node:assert/strict'
import { test } from 'node:test'
import { event, on, type Service, service } from 'estafet'
import * as z from 'zod'
import { asyncApi, contracts } from '../../../src/contracts.ts'

const tree = z.object({
  name: z.string(),
  get parts() {
    return z.array(tree)
  },
})
const Grown = event('tree.grown', { version: 2, since: 2, schema: tree, key: ({ name }) => name })
const Felled = event('tree.felled', { version: 1, schema: z.object({ name: z.string() }), key: ({ name }) => name })
const nothing = async (): Promise<void> => {}
const wood: Service<unknown> = service('wood', { publishes: [Grown, Felled] })
const saw: Service<unknown> = service('saw', { handlers: [on(Felled, nothing)] })
const both = contracts([wood, saw]).services.map(({ contract }) => contract)
const documentOf = (at: number): ReturnType<typeof asyncApi> => {
  const contract = both[at]
  assert.ok(contract !== undefined)
  return JSON.parse(JSON.stringify(asyncApi(contract, both)))
}

test('a service sends what it publishes, in the channel of the topic', () => {
  const { channels, operations } = documentOf(0)
  const message = (name: string) => ({ $ref: `#/components/messages/${name}` })
  assert.deepEqual(channels, {
    tree: {
      address: 'tree',
      messages: { 'tree.grown.v2': message('tree.grown.v2'), 'tree.felled.v1': message('tree.felled.v1') },
    },
  })
  assert.deepEqual(operations, {
    'send-tree': {
      action: 'send',
      channel: { $ref: '#/channels/tree' },
      messages: [
        { $ref: '#/channels/tree/messages/tree.felled.v1' },
        { $ref: '#/channels/tree/messages/tree.grown.v2' },
      ],
    },
  })
})

test('a consumer receives what it handles, in the shape that the publisher tells', () => {
  const { operations, components } = documentOf(1)
  assert.deepEqual(Object.keys(Object(operations)), ['receive-tree'])
  assert.match(JSON.stringify(components), /"schemas":\{"tree\.felled\.v1":\{"type":"object"/)
})

test('what a stranger publishes is received without a shape', () => {
  const [, contract] = both
  assert.ok(contract !== undefined)
  assert.doesNotMatch(JSON.stringify(asyncApi(contract, [contract])), /"payload"/)
})
