import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { howToGetKafka, kafkaInstallation } from '../../../engines/kafka/installation.ts'
import { findRedis, howToGetRedis } from '../../../engines/redis/binaries.ts'

const home = mkdtempSync(join(tmpdir(), 'estafet-tasks-'))
after(() => rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Begins a program of the application as its npm script does. */
function begin(program: 'smoke' | 'migrate' | 'main', environment: Record<string, string>) {
  const path = fileURLToPath(new URL(`../${program}.ts`, import.meta.url))
  const { PATH, JAVA_HOME, KAFKA_HOME } = process.env
  const child = spawn(process.execPath, ['--conditions=estafet-source', path], {
    env: { PATH, JAVA_HOME, KAFKA_HOME, ...environment },
  })
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text))
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, ...said })))
  return { child, said, ended }
}

const steps = [
  ...['engines up', 'account made', 'task made', 'bad task refused', 'event published', 'worker notified'],
  ...['duplicate ignored', 'task counted', 'completion told', 'replay works', 'nothing failed'],
]

function assertAllOk({ code, out, err }: Ended, brokers: RegExp): void {
  const seen = out.match(/^\[\w+\] +[^:]+/gm)
  assert.deepEqual(
    seen,
    steps.map((step) => `[OK]   ${step}`),
    out + err,
  )
  assert.match(out, brokers)
  assert.equal(code, 0)
}

test('the smoke test passes on the embedded default', async () => {
  const run = begin('smoke', { EVENTS_BROKER: 'postgres', ANALYTICS_BROKER: 'postgres' })
  assertAllOk(await run.ended, /events: PostgreSQL.*task_events: PostgreSQL/)
})

const missing = [
  ...(findRedis() === null ? [howToGetRedis] : []),
  ...(kafkaInstallation() === null ? [howToGetKafka] : []),
]
test('the smoke test passes on the Redis and the Kafka that are found here, with nothing configured', {
  skip: missing.length > 0 ? `get them by: ${missing.join('; ')}` : false,
}, async () => {
  assertAllOk(await begin('smoke', {}).ended, /events: Redis.*task_events: Kafka/)
})

test('the smoke test fails, step by step, where there is no database', async () => {
  const postgres = { EVENTS_BROKER: 'postgres', ANALYTICS_BROKER: 'postgres' }
  const run = begin('smoke', { ...postgres, POSTGRES_URL: 'postgres://nobody:none@127.0.0.1:9/postgres' })
  const { code, out } = await run.ended
  assert.deepEqual(
    out.match(/^\[\w+\] +[^:]+/gm),
    steps.map((step) => `[FAIL] ${step}`),
  )
  assert.equal(code, 1)
})

test('migrations create the schemas of all services, the SQLite file among them, and are applied once', async () => {
  const first = await begin('migrate', { TASKS_HOME: home }).ended
  for (const name of ['team_auth: 0001-auth', 'team_tasks: 0001-tasks', 'team_notifications: 0001-notifications']) {
    assert.ok(first.out.includes(`applied ${name}`), first.out + first.err)
  }
  assert.match(first.out, /applied analytics\.sqlite: 0001-analytics[\s\S]*Done/)
  const second = await begin('migrate', { TASKS_HOME: home }).ended
  assert.match(second.out, /Nothing to do/)
  assert.deepEqual([first.code, second.code], [0, 0])
})

test('npm start shows the generated password of the first administrator once, and keeps secrets to this user', async () => {
  const environment = { TASKS_HOME: home, EVENTS_BROKER: 'postgres', ANALYTICS_BROKER: 'postgres' }
  const passwords: (string | undefined)[] = []
  for (let start = 0; start < 2; start++) {
    const { child, said, ended } = begin('main', environment)
    while (!said.err.includes('Ctrl-C ends it')) {
      assert.equal(child.exitCode, null, said.err)
      await sleep(20)
    }
    assert.match(said.err, /API {10}http:\/\/127\.0\.0\.1:\d+\/openapi\.json/)
    passwords.push(/ {2}Admin {8}admin@example\.com, password (\S+) /.exec(said.err)?.[1])
    for (const name of ['token.secret', 'ops.json']) assert.equal(statSync(join(home, name)).mode & 0o777, 0o600)
    child.kill('SIGINT')
    assert.equal((await ended).code, 0)
  }
  assert.match(passwords[0] ?? '', /^[\w-]{20}$/)
  assert.equal(passwords[1], undefined)
})

test('settings that cannot be followed end with their names and exit code 2', async () => {
  const { code, err } = await begin('migrate', { PORT: 'many', KAFKA_BROKERS: 'here', EVENTS_BROKER: 'pigeons' }).ended
  assert.equal(code, 2)
  for (const name of ['PORT', 'KAFKA_BROKERS', 'EVENTS_BROKER']) assert.match(err, new RegExp(`^${name}: `, 'm'))
})

test('its README fits on a page', () => {
  const lines = readFileSync(new URL('../README.md', import.meta.url), 'utf8').split('\n')
  assert.ok(lines.length <= 70, `${lines.length} lines`)
})
