import assert from 'node:assert/strict'
import { test } from 'node:test'
import { event, isEstafetError, on, type StoredMessage, streamEvent } from 'estafet'
import * as z from 'zod'

const upcast = {
  1: ({ name }: { name: string }) => ({ fullName: name }),
  2: ({ fullName }: { fullName: string }) => ({ fullName, age: null }),
}
const schema = z.object({ fullName: z.string(), age: z.number().nullable() })
const Registered = event('user.registered', { version: 3, schema, key: ({ fullName }) => fullName, upcast })

function stored(version: number, data: unknown): StoredMessage {
  return {
    ...{ id: 'm', type: 'user.registered', topic: 'user', key: 'k', correlationId: 'c', causationId: null },
    ...{ traceparent: null, headers: {}, source: 's', epoch: 'e', position: 1n, time: '', version },
    payload: JSON.stringify(data),
  }
}

test('data of an older version is brought to the newest, step by step, wherever it is read', () => {
  const newest = { fullName: 'Ada', age: null }
  assert.deepEqual(Registered.receive(stored(1, { name: 'Ada' })).data, newest)
  assert.deepEqual(Registered.receive(stored(2, { fullName: 'Ada' })).data, newest)
  assert.deepEqual(Registered.receive(stored(3, newest)).data, newest)
  const UserRegistered = streamEvent('UserRegistered', { version: 3, schema, upcast })
  assert.deepEqual(UserRegistered.read(stored(1, { name: 'Ada' })), newest)
  const handler = on(Registered, () => Promise.resolve())
  handler.check(stored(1, { name: 'Ada' }))
})

test('a version that the program does not know is told, and never taken for another', () => {
  const future = (): unknown => Registered.receive(stored(4, { fullName: 'Ada', age: 1 }))
  assert.throws(
    future,
    (error) => isEstafetError(error, 'UNDECODABLE') && error.message.includes('deploy the newer one'),
  )
  const Since = event('user.registered', { version: 3, since: 3, schema, key: () => 'k' })
  assert.throws(
    () => Since.receive(stored(2, { fullName: 'Ada' })),
    (error) => isEstafetError(error, 'UNDECODABLE') && error.message.includes('from 3 on'),
  )
})

test('an upcast that throws is told without the data', () => {
  const broken = event('a.b', {
    ...{ version: 2, schema, key: () => 'k' },
    upcast: {
      1: () => {
        throw new TypeError('secret')
      },
    },
  })
  assert.throws(
    () => broken.receive(stored(1, 'secret')),
    (error) =>
      isEstafetError(error, 'UNDECODABLE') &&
      !JSON.stringify([error.message, error.details, error.cause]).includes('secret'),
  )
})

test('a hole in the upcasts, and one that leads back, stop the program at its definition, and say what is missing', () => {
  const define = (version: number, upcasts: object, since?: number) => () =>
    streamEvent('Odd', { version, schema, upcast: { ...upcasts }, ...(since === undefined ? {} : { since }) })
  const step = (data: unknown): unknown => data
  const faults: readonly (readonly [() => unknown, string])[] = [
    [define(3, { 2: step }), 'from version 1 to 2 is missing'],
    [define(2, {}), 'if version 1 was never stored, say since: 2'],
    [define(2, { 1: step, 2: step }), 'from version 2 leads beyond version 2'],
    [define(3, { 1: step, 2: step }, 2), 'from version 1 is never used'],
    [define(2, {}, 3), 'since 3 must be'],
  ]
  for (const [defining, says] of faults) {
    assert.throws(defining, (error) => isEstafetError(error, 'MISCONFIGURED') && error.message.includes(says), says)
  }
  assert.equal(define(3, { 2: step }, 2)().since, 2)
  assert.equal(define(2, {}, 2)().since, 2)
})
