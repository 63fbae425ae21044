import assert from 'node:assert/strict'
import { test } from 'node:test'
import { command, event, saga } from 'estafet'
import type { MemoryTransaction } from 'estafet/memory'
import { does, rehearse } from 'estafet/simulation'
import * as z from 'zod'

const schema = z.object({})
const Ask = command('support.ask', { version: 1, to: 'support', schema, reply: schema })
const Replied = event('support.ask.first.reply', { version: 1, schema, key: () => 'k' })
const Support = saga<MemoryTransaction, typeof schema, string>('support', {
  ...{ version: 1, input: schema, uses: [Ask] },
  async run(steps) {
    await steps.run('tell', async ({ publish }) => publish(Replied({})))
    return (await steps.request('ask', Ask, {}, { timeoutMs: 1_000 })).outcome
  },
})

test('an event whose type ends as a reply does is no reply', async () => {
  const end = await rehearse(Support, { input: {}, given: [does(Ask, () => ({}))] })
  assert.deepEqual([end.status, end.result, end.effects], ['completed', 'done', { ask: 1 }])
  assert.deepEqual(end.sent, ['support.ask.first.reply', 'support.ask'])
})

test('as many replies are lost as is said, and what was not answered is taken back', async () => {
  for (const [lostReplies, result, effects] of [
    [0, 'done', { ask: 1 }],
    [1, 'cancelled', { ask: 0 }],
    [3, 'cancelled', { ask: 0 }],
  ] as const) {
    const end = await rehearse(Support, { input: {}, given: [does(Ask, () => ({}), { lostReplies })] })
    assert.deepEqual([end.result, end.effects], [result, effects])
    assert.equal(end.sent.includes('support.ask.cancel'), lostReplies > 0)
  }
})
