import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { supervise } from 'estafet/supervisor'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const worker = { name: 'worker', module: new URL('supervised/worker.ts', import.meta.url) }

test('a process that is killed is started again, and all of them end when the supervisor stops', async () => {
  process.execArgv.push('--conditions=estafet-source')
  const supervisor = supervise({ logger: silent, processes: [worker, { ...worker, name: 'other' }] })
  await supervisor.ready()
  const before = supervisor.pids()
  process.kill(before['worker'] ?? 0, 'SIGKILL')
  await until(
    () =>
      (supervisor.pids()['worker'] ?? 0) !== before['worker'] &&
      supervisor.announcements()['worker']?.['pid'] === supervisor.pids()['worker'],
  )
  assert.equal(supervisor.pids()['other'], before['other'])
  assert.equal(supervisor.restarts()['worker'], 1)
  const after = Object.values(supervisor.pids())
  await supervisor.stop()
  assert.deepEqual(after.filter(isAlive), [])
})

test('a process whose event loop is blocked is killed and started again', async () => {
  const stuck = { name: 'stuck', module: new URL('supervised/stuck.ts', import.meta.url) }
  const said: string[] = []
  const logger = { ...silent, warn: (_: string, fields?: object) => void said.push(JSON.stringify(fields)) }
  const supervisor = supervise({ logger, processes: [stuck], stuckMs: 250 })
  await supervisor.ready()
  await until(() => (supervisor.restarts()['stuck'] ?? 0) > 0)
  assert.match(said[0] ?? '', /did not answer for 250 ms/)
  await supervisor.stop()
})

test('a process that cannot start makes ready fail, with how it ended', async () => {
  const broken = { name: 'broken', module: new URL('supervised/missing.ts', import.meta.url) }
  const supervisor = supervise({ logger: silent, processes: [broken] })
  await assert.rejects(supervisor.ready(), /broken ended five times; the last time: exit code 1/)
  await supervisor.stop()
})

test('processes end when their supervisor is killed', async () => {
  const boss = spawn(
    process.execPath,
    ['--conditions=estafet-source', fileURLToPath(new URL('supervised/boss.ts', import.meta.url))],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const pid = await new Promise<number>((resolve) => boss.stdout.once('data', (text) => resolve(Number(text))))
  assert.ok(isAlive(pid))
  boss.kill('SIGKILL')
  await until(() => !isAlive(pid))
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error('it did not come true within 20 s')
    await sleep(20)
  }
}
