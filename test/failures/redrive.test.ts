import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { rejected } from 'estafet'
import { on, postgres } from 'estafet/postgres'
import { supervise } from 'estafet/supervisor'
import { Done, type FailureSystem, failureSystem, until } from './system.ts'

const messages = 1_000
const keys = 250
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** Where the process is killed, and at which time it gets there. */
const steps: readonly (readonly [point: string, times: number])[] = [
  ['before a step', 2],
  ['after a step', 1],
  ['after begin', 300],
  ['in the handler', 500],
  ['before applied', 700],
  ['after applied, before commit', 900],
  ['after commit', 950],
]

describe('a redrive of 1,000 dead letters', () => {
  let system: FailureSystem
  const folder = mkdtempSync(join(tmpdir(), 'estafet-redrive-'))

  before(async () => {
    system = await failureSystem()
    process.execArgv.push('--conditions=estafet-source')
  })
  after(async () => {
    await system.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  for (const [point, times] of steps) {
    test(`whose process is killed ${point} (${times}) applies each once and in order, and is audited`, async () => {
      const { operations } = postgres(system.subscriber)
      await fill(system)
      const marker = join(folder, `${times}`)
      const supervisor = supervise({
        logger: silent,
        processes: [
          {
            name: 'redriving',
            module: new URL('redriving.ts', import.meta.url),
            env: {
              ...{ SOURCE_URL: system.url('source'), SUBSCRIBER_URL: system.url('subscriber') },
              ...{ POINT: point, TIMES: String(times), MARKER: marker },
            },
          },
        ],
      })
      await supervisor.ready()
      const wanted = { selection: {}, expected: messages, isCanary: true, rate: null }
      const decision = { who: 'test', reason: 'mended', requestId: marker }
      assert.equal((await operations.redrives.start('works', wanted, decision)).outcome, 'done')
      assert.equal((await operations.redrives.start('works', wanted, decision)).outcome, 'repeated')
      await until(async () => (await system.parked()).length === 0)
      await until(async () => (await operations.redrives.list('works', first)).items[0]?.state === 'done')
      await supervisor.stop()
      assert.ok(existsSync(marker), 'it was killed')
      assert.equal((await system.effects()).length, messages)
      for (let key = 0; key < keys; key++) assert.deepEqual(await system.effects(`k${key}`), [1, 2, 3, 4])
      const audited = (await operations.audit.list('works', first)).items
      assert.deepEqual(
        audited.slice(0, 2).map(({ who, action, count, reason }) => [who, action, count, reason]),
        [
          ['test', 'redrive done', messages, 'mended'],
          ['test', 'redrive', messages, 'mended'],
        ],
      )
    })
  }
})

const first = { after: null, limit: 10 }

/** Leaves every message as a dead letter whose key went on. */
async function fill(system: FailureSystem): Promise<void> {
  await system.subscriber.query(
    'TRUNCATE effect, estafet.parked_key, estafet.parked_message, estafet.redrive, estafet.redrive_message CASCADE',
  )
  for (let number = 1; number <= messages / keys; number++) {
    await system.publish(...Array.from({ length: keys }, (_, at) => [`k${at}`, number] as const))
  }
  const handler = on<{ key: string; number: number }>(Done, () => Promise.reject(rejected('on purpose')), {
    whenDead: 'skip',
  })
  const running = await system.begin([handler])
  await until(async () => (await system.parked()).length === messages)
  await running.stop()
}
