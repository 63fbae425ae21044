import assert from 'node:assert/strict'
import { test } from 'node:test'
import { event, isEstafetError, logger, on, service, start } from 'estafet'
import { virtualClock } from 'estafet/memory'
import { errorName } from '../../../src/delivery/failure.ts'
import { agent } from '../../../src/runtime/agent.ts'
import { bell } from '../../../src/runtime/bell.ts'

test('a service with several faults names them all', () => {
  assert.throws(
    () => service('Bad Name', { lanes: 0, batchSize: 0 }),
    (error) => isEstafetError(error, 'MISCONFIGURED') && error.message.split(';').length === 3,
  )
})

test('handlers without a source are refused at start', async () => {
  const schema = { '~standard': { version: 1 as const, vendor: 'test', validate: (value: unknown) => ({ value }) } }
  const handler = on(event('a.b', { version: 1, schema, key: String }), unused)
  const store = {
    unitOfWork: { run: () => Promise.reject(new Error('unused')) },
    lanes: { survey: unused, take: unused, save: unused, release: unused },
    parking: { keys: unused, hold: unused, park: unused, parkUntried: unused },
    retries: { due: unused, begin: unused, applied: unused, failed: unused, buried: unused },
    prepare: () => () => Promise.resolve(),
    announcer: () => ({ announce() {}, close: () => Promise.resolve() }),
  }
  await assert.rejects(start(service('a', { handlers: [handler] }), { store }), (error) =>
    isEstafetError(error, 'MISCONFIGURED'),
  )
})

test('a JSON log line has its time, level, service and fields; below the level nothing is written', () => {
  const lines: string[] = []
  const log = logger({ service: 'orders', format: 'json', write: (line) => lines.push(line) })
  log.debug('unseen')
  log.warn('a batch failed', { position: 7n, correlation_id: 'c' })
  const { time, ...rest } = JSON.parse(lines[0] ?? '{}')
  assert.ok(!Number.isNaN(Date.parse(time)))
  assert.deepEqual(rest, {
    level: 'warn',
    service: 'orders',
    event: 'a batch failed',
    position: '7',
    correlation_id: 'c',
  })
  assert.equal(lines.length, 1)
})

test('a pretty log line cannot move the cursor or forge a line', () => {
  const lines: string[] = []
  const log = logger({ service: 'orders', format: 'pretty', write: (line) => lines.push(line) })
  log.info('seen', { id: 'a\nb\u001b[2J' })
  assert.ok(lines[0]?.includes('id=a?b?[2J'))
})

test('an error is shown by its code or class, never by its text', () => {
  assert.equal(errorName(Object.assign(new TypeError('secret'), { code: '23505' })), 'TypeError 23505')
  assert.equal(errorName('secret'), 'string')
})

test('a loop that fails over and over is silent since its last success', async () => {
  const clock = virtualClock()
  const own = agent('lane', clock)
  own.beat()
  for (let times = 0; times < 3; times++) {
    void clock.sleep(1000)
    clock.next()
    own.working()
    own.retry(new Error('x'))
  }
  assert.equal(own.report().silentMs, 3000)
  assert.equal(own.report().state, 'retrying')
})

test('a bell that rang between the look and the wait is heard', async () => {
  const news = bell()
  const rung = news.rung
  news.ring()
  await news.wait(rung, new AbortController().signal)
  const stop = new AbortController()
  const waiting = news.wait(news.rung, stop.signal)
  stop.abort()
  await waiting
})

function unused(): Promise<never> {
  return Promise.reject(new Error('unused'))
}
