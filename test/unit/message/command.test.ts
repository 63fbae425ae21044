import assert from 'node:assert/strict'
import { test } from 'node:test'
import { command, isEstafetError } from 'estafet'
import * as z from 'zod'

const options = { version: 1, to: 'shop', schema: z.object({}), reply: z.object({}) }

test('a command is not called as what another command sends', () => {
  const { request, cancel, reply } = command('shop.order', options)
  for (const type of [cancel.type, reply.type]) {
    assert.throws(
      () => command(type, options),
      (error) => isEstafetError(error, 'MISCONFIGURED') && error.message.includes('a command shop.order sends'),
    )
  }
  assert.deepEqual([request.type, cancel.type, reply.type], ['shop.order', 'shop.order.cancel', 'shop.order.reply'])
  for (const type of ['shop.order-cancel', 'shop.cancel-order', 'shop.reply-now', 'cancel.order']) {
    assert.equal(command(type, options).type, type)
  }
})
