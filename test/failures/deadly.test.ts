import assert from 'node:assert/strict'
import { test } from 'node:test'
import { supervise } from 'estafet/supervisor'
import { failureSystem, until } from './system.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

test('messages that end the process are found and become dead letters, and no other is lost or disturbed', async () => {
  const system = await failureSystem()
  const keys = ['abort', 'block', 'a', 'b', 'c']
  for (let number = 1; number <= 4; number++) await system.publish(...keys.map((key) => [key, number] as const))
  process.execArgv.push('--conditions=estafet-source')
  const supervisor = supervise({
    logger: silent,
    stuckMs: 1_000,
    processes: [
      {
        name: 'deadly',
        module: new URL('deadly.ts', import.meta.url),
        env: { SOURCE_URL: system.url('source'), SUBSCRIBER_URL: system.url('subscriber') },
      },
    ],
  })
  await until(async () => (await system.parked()).filter(({ state }) => state === 'dead').length === 2)
  await until(async () => (await system.effects()).length === 14)
  await supervisor.stop()
  assert.deepEqual(
    (await system.parked()).map(({ key, number, state, error_name }) => [key, number, state, error_name]),
    [
      ['abort', 2, 'dead', 'CRASHED'],
      ['abort', 3, 'waiting', null],
      ['abort', 4, 'waiting', null],
      ['block', 2, 'dead', 'CRASHED'],
      ['block', 3, 'waiting', null],
      ['block', 4, 'waiting', null],
    ].sort((a, b) => Number(a[1]) - Number(b[1])),
  )
  for (const key of ['a', 'b', 'c']) assert.deepEqual(await system.effects(key), [1, 2, 3, 4])
  for (const key of ['abort', 'block']) assert.deepEqual(await system.effects(key), [1])
  await system.stop()
})
