import assert from 'node:assert/strict'
import { test } from 'node:test'
import { command } from 'estafet'
import * as z from 'zod'
import type { OpenSaga } from '../../../src/ports/sagas.ts'
import { askerOf, endTold } from '../../../src/saga/saga-end.ts'

const schema = z.object({})
const Book = command('trips.book', { version: 1, to: 'trips', schema, reply: schema, refusals: ['no-room'] })
const ended = (failure: string | null): OpenSaga => ({
  ...{
    id: 's',
    type: 'trip',
    version: 1,
    hash: 'h',
    input: '{}',
    correlationId: 'c',
    attention: null,
    tries: 0,
    error: null,
  },
  ...{
    status: failure === null ? 'completed' : 'compensated',
    result: failure === null ? '{}' : null,
    failure,
    steps: [],
  },
  askedBy: JSON.stringify({ type: 'trips.book', step: 'x', owner: 'o', replyTo: 'shop' }),
})
const told = (failure: string | null): unknown => endTold(ended(failure), new Map([[Book.type, Book]]))?.data

test('who asked for a saga hears what it came to; of a reason that the command does not list, that it has no effect', () => {
  const to = { step: 'x', owner: 'o' }
  assert.deepEqual(told(null), { ...to, answers: 'request', answer: { outcome: 'done', result: {} } })
  assert.deepEqual(told('no-room'), { ...to, answers: 'request', answer: { outcome: 'refused', refusal: 'no-room' } })
  assert.deepEqual(told('a person said so'), { ...to, answers: 'request', answer: { outcome: 'cancelled' } })
  assert.deepEqual(told('who asked for it took it back'), {
    ...to,
    answers: 'cancel',
    answer: { outcome: 'cancelled' },
  })
})

test('who takes a command back is who asked for it, whatever the command is called', () => {
  const asked = { step: 'x', owner: 'o', replyTo: 'shop', data: {} }
  for (const type of ['trips.book', 'trips.cancel', 'trips.book.cancel']) {
    const askers = [type, `${type}.cancel`].map((came) => askerOf({ type }, { type: came, data: asked } as never))
    for (const asker of askers) assert.deepEqual(asker, { type, step: 'x', owner: 'o', replyTo: 'shop' })
  }
})
