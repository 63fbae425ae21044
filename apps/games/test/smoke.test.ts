import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { howToGetKafka, kafkaInstallation } from '../../../engines/kafka/installation.ts'

const home = mkdtempSync(join(tmpdir(), 'estafet-games-'))
after(() => rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs a program of the application as its npm script does. */
function run(program: 'smoke' | 'migrate', environment: Record<string, string>): Promise<Ended> {
  const path = fileURLToPath(new URL(`../${program}.ts`, import.meta.url))
  const child = spawn(process.execPath, ['--conditions=estafet-source', path], {
    env: {
      PATH: process.env['PATH'],
      JAVA_HOME: process.env['JAVA_HOME'],
      KAFKA_HOME: process.env['KAFKA_HOME'],
      ...environment,
    },
  })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })))
}

const steps = [
  ...['engines up', 'schema there', 'row inserted', 'bad payload refused', 'row sent', 'message in the topic'],
  ...['effect recorded', 'duplicate ignored', 'replay works'],
]

function assertAllOk({ code, out, err }: Ended, broker: RegExp): void {
  assert.deepEqual(
    out.match(/^\[\w+\] +[^:]+/gm),
    steps.map((step) => `[OK]   ${step}`),
    out + err,
  )
  assert.match(out, broker)
  assert.equal(code, 0)
}

test('the smoke test passes on the embedded default', async () => {
  assertAllOk(await run('smoke', { BROKER: 'postgres' }), /broker: PostgreSQL/)
})

test('the smoke test passes on a real Kafka', {
  skip: kafkaInstallation() === null ? `get it by: ${howToGetKafka}` : false,
}, async () => {
  assertAllOk(await run('smoke', {}), /broker: Kafka/)
})

test('the smoke test fails, step by step, where there is no database', async () => {
  const { code, out } = await run('smoke', {
    BROKER: 'postgres',
    POSTGRES_URL: 'postgres://nobody:none@127.0.0.1:9/postgres',
  })
  assert.deepEqual(
    out.match(/^\[\w+\] +[^:]+/gm),
    steps.map((step) => `[FAIL] ${step}`),
  )
  assert.equal(code, 1)
})

test('migrations are a step of their own, and applied once', async () => {
  const first = await run('migrate', { GAMES_HOME: home })
  assert.match(first.out, /applied games: 0001-outbox-events[\s\S]*applied scoreboard: 0001-consumed-events[\s\S]*Done/)
  const second = await run('migrate', { GAMES_HOME: home })
  assert.match(second.out, /Nothing to do/)
  assert.deepEqual([first.code, second.code], [0, 0])
})

test('settings that cannot be followed end with their names and exit code 2', async () => {
  const { code, err } = await run('migrate', { PORT: 'many', KAFKA_BROKERS: 'somewhere', BROKER: 'pigeons' })
  assert.equal(code, 2)
  for (const name of ['PORT', 'KAFKA_BROKERS', 'BROKER']) assert.match(err, new RegExp(`^${name}: `, 'm'))
})
