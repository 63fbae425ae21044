import assert from 'node:assert/strict'
import { test } from 'node:test'
import { command, type OutgoingMessage } from 'estafet'
import { type MemoryTransaction, memoryDatabase, memoryStepFence, memoryUnitOfWork, virtualClock } from 'estafet/memory'
import * as z from 'zod'
import { answer } from '../../../src/saga/answer.ts'

const named = { version: 1, to: 'bank' } as const
const text = z.object({ text: z.string() })
const shorter = z.object({ text: z.string().max(2) })

test('what was done is taken back, also by a program whose schemas do not take the request and its result any more', async () => {
  const session = { database: memoryDatabase(virtualClock()), owner: 'bank', interrupt: async () => {} }
  const unitOfWork = memoryUnitOfWork(session)
  const undone: unknown[] = []
  const says: unknown[] = []
  const bank = (Fee: ReturnType<typeof feeOf>) =>
    answer<MemoryTransaction, { text: string }, { text: string }, { text: string }, { text: string }, never>(
      memoryStepFence(session),
      Fee,
      async () => ({ text: 'done' }),
      { undo: async ({ data, result }) => void undone.push([data.text, result.text]) },
    )
  const deliver = (Fee: ReturnType<typeof feeOf>, kind: 'request' | 'cancel') =>
    unitOfWork.run(async (tx) => {
      const handler = bank(Fee)[kind === 'request' ? 0 : 1]
      const { data, ...message } = Fee[kind]({ step: 's', owner: 'o', replyTo: 'shop', data: { text: 'long' } })
      const stored = {
        ...{ ...message, source: 'shop', epoch: 'e', position: 1n, time: '2026-01-01T00:00:00.000Z', id: 'm' },
        ...{ correlationId: 'c', causationId: null, traceparent: null, headers: {}, payload: JSON.stringify(data) },
      }
      const publish = (...messages: readonly OutgoingMessage[]) => void says.push(...messages.map((each) => each.data))
      const log = { debug() {}, info() {}, warn() {}, error() {} }
      await handler?.run([stored], { tx, log, signal: new AbortController().signal, publish })
    })
  await deliver(feeOf(text, text), 'request')
  await deliver(feeOf(shorter, shorter), 'cancel')
  assert.deepEqual(undone, [['long', 'done']])
  assert.deepEqual(says.at(-1), { step: 's', owner: 'o', answers: 'cancel', answer: { outcome: 'cancelled' } })
  await assert.rejects(deliver(feeOf(shorter, shorter), 'request'), /bank\.fee has invalid data at: data\.text/)
})

function feeOf(schema: typeof text, reply: typeof text) {
  return command('bank.fee', { ...named, schema, reply })
}
