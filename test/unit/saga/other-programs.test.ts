import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { command } from 'estafet'
import * as z from 'zod'
import type { MemoryTransaction } from '../../../src/drivers/memory/database.ts'
import { saga } from '../../../src/saga/saga.ts'
import { memoryDesk } from './memory-sagas.ts'

const text = z.object({ text: z.string() })
const shorter = z.object({ text: z.string().max(0) })
const Fee = command('bank.fee', { version: 1, to: 'bank', schema: text, reply: text })
const undone: string[] = []

/** The same text, whatever its input and its command look like. */
function feeOf(input: z.ZodType<{ text: string }>, fee = Fee) {
  return saga<MemoryTransaction, typeof input, unknown>('fee', {
    ...{ version: 1, input, uses: [fee] },
    async run(steps) {
      await steps.run('note', async () => 'noted', { undo: async (result) => void undone.push(result) })
      await steps.request('charge', fee, { text: 'a' })
      await steps.run('again', async () => 'noted again', { undo: async (result) => void undone.push(result) })
      await steps.request('last', fee, { text: 'b' })
      return null
    },
  })
}
const Old = feeOf(text)
const old = { service: 'booking', of: [Old] }
const answer = { outcome: 'done', result: { text: 'paid' } } as const

/** One of the old program that has charged and waits for the last step. */
async function charged() {
  undone.length = 0
  const desk = memoryDesk()
  await desk.begin(old, Old, 'f', { text: 'augusta' })
  await desk.answered(old, 'f', { name: 'charge', service: 'booking' }, 'bank.fee', 'request', answer)
  return desk
}

describe('a saga that another program goes on with', () => {
  test('takes back what was asked for under the name that its service had then', async () => {
    const desk = await charged()
    const renamed = { service: 'trips', of: [Old] }
    await desk.person('f', { do: 'compensate' })
    await desk.turn(renamed, 'f')
    const [cancel] = desk.sent.slice(-1)
    assert.deepEqual(
      [cancel?.type, cancel?.data],
      ['bank.fee.cancel', { step: 'saga:booking:f:last', owner: 'f', replyTo: 'trips', data: { text: 'b' } }],
    )
    const cancelled = { outcome: 'cancelled' } as const
    const late = (service: string, name: string) =>
      desk.answered(renamed, 'f', { name, service }, 'bank.fee', 'cancel', cancelled)
    assert.equal(await late('trips', 'last'), 'unchanged', 'of another step')
    assert.equal(await late('booking', 'last'), 'kept')
    assert.equal(await late('booking', 'charge'), 'kept')
    assert.deepEqual((await desk.stands('f'))[0], 'compensated')
    assert.deepEqual(undone, ['noted again', 'noted'])
  })

  for (const [name, New] of [
    ['its input', feeOf(shorter)],
    ['an answer that it had', feeOf(text, command('bank.fee', { ...feeOptions(), reply: shorter }))],
    ['what it asked for', feeOf(text, command('bank.fee', { ...feeOptions(), schema: shorter, reply: text }))],
  ] as const) {
    test(`and whose schemas do not take ${name} any more is taken back all the same`, async () => {
      const desk = await charged()
      const program = { service: 'booking', of: [New] }
      await desk.person('f', { do: 'compensate' })
      await desk.turn(program, 'f')
      for (const step of ['last', 'charge']) {
        const asked = { name: step, service: 'booking' }
        await desk.answered(program, 'f', asked, 'bank.fee', 'cancel', { outcome: 'cancelled' })
      }
      assert.deepEqual((await desk.stands('f'))[0], 'compensated')
      assert.deepEqual(undone, ['noted again', 'noted'])
    })
  }
})

function feeOptions() {
  return { version: 1, to: 'bank', schema: text } as const
}
