import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type DeadLetterNotice, event, rejected } from 'estafet'
import { on } from 'estafet/postgres'
import * as z from 'zod'
import { Done, type FailureSystem, failureSystem, until } from './system.ts'

const Buried = event('letter.buried', { version: 1, schema: z.object({ id: z.string() }), key: ({ id }) => id })

describe('the notice of a dead letter', () => {
  let system: FailureSystem
  before(async () => {
    system = await failureSystem()
  })
  after(() => system.stop())

  test('is published once for each message that is given up, at once or after its tries, without its content', async () => {
    const seen: DeadLetterNotice[] = []
    await system.begin(
      [
        on(
          Done,
          async ({ data }, { tx }) => {
            if (data.number === 1) throw rejected('the first never')
            if (data.number === 2) throw new RangeError(`not with ${data.key}`)
            await system.note(tx, data)
          },
          { retry: [{ immediate: 0, delayed: 2, backOff: { firstMs: 5, maxMs: 5 } }], whenDead: 'skip' },
        ),
      ],
      {},
      (letter) => {
        seen.push(letter)
        return [Buried({ id: letter.messageId })]
      },
    )
    await system.publish(['secret-a', 1], ['secret-b', 2], ['secret-c', 3])
    await until(async () => (await published(system)).length === 2 && (await system.effects()).length === 1)
    assert.deepEqual(
      (await published(system)).map(({ causation_id }) => causation_id).sort(),
      seen.map(({ messageId }) => messageId).sort(),
    )
    assert.deepEqual(
      seen.map(({ error, errorName, handler }) => [errorName, error, handler]).sort(),
      [
        ['REJECTED', 'the first never', 'work.done'],
        ['RangeError', 'not with …', 'work.done'],
      ].sort(),
    )
  })
})

async function published(system: FailureSystem): Promise<readonly { causation_id: string }[]> {
  const { rows } = await system.subscriber.query<{ causation_id: string }>(
    'SELECT causation_id FROM estafet.outbox WHERE type = $1',
    [Buried.type],
  )
  return rows
}
