import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decider, streamEvent, when } from 'estafet'
import * as z from 'zod'

const schema = z.object({ email: z.string() })
const Named = streamEvent('Named', { version: 1, schema, mask: ['email'] })
const Plain = streamEvent('Plain', { version: 1, schema })
const options = { initial: {}, decide: () => [] }

test('the names of masked fields are checked where they are given', () => {
  for (const field of ['', '.', 'a..b', 'a.']) {
    assert.throws(() => streamEvent('Named', { version: 1, schema, mask: [field] }), { code: 'MISCONFIGURED' }, field)
    assert.throws(
      () => decider('thing', { ...options, evolve: [when(Plain, (state: object) => state)], mask: [field] }),
      { code: 'MISCONFIGURED' },
      field,
    )
  }
})

test('a state is hidden as its decider says, and as a whole when only its events say something', () => {
  const maskOf = (event: typeof Named, mask?: readonly string[]): readonly string[] | null =>
    decider('thing', {
      ...options,
      evolve: [when(event, (state: object) => state)],
      ...(mask === undefined ? {} : { mask }),
    }).mask
  assert.deepEqual([maskOf(Plain), maskOf(Named), maskOf(Named, []), maskOf(Plain, ['a.b'])], [[], null, [], ['a.b']])
})
