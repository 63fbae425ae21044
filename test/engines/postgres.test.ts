import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { allPostgres } from '../../engines/postgres/binaries.ts'
import { temporaryPostgres } from '../../engines/postgres/server.ts'

for (const binaries of allPostgres()) {
  test(`${binaries.name}: two servers run side by side, and a killed one comes back on its port with its data`, async () => {
    const [one, two] = await Promise.all([
      temporaryPostgres({ binaries, restart: true }),
      temporaryPostgres({ binaries }),
    ])
    try {
      assert.notEqual(one.port, two.port)
      await query(one.adminUrl, 'CREATE TABLE kept AS SELECT 7 AS n')
      const before = one.pid
      one.kill()
      await until(() => one.pid !== before)
      await until(async () => (await query(one.adminUrl, 'SELECT n FROM kept').catch(() => [])).length === 1)
    } finally {
      await Promise.all([one.stop(), two.stop()])
    }
  })
}

test('no server is left behind when the process that started it is killed', {
  skip: process.platform !== 'linux',
}, async () => {
  const home = mkdtempSync(join(tmpdir(), 'estafet-orphan-'))
  const module = fileURLToPath(new URL('../../engines/postgres/server.ts', import.meta.url))
  const program = `const { startPostgres } = await import(${JSON.stringify(module)})
    await startPostgres({ home: ${JSON.stringify(home)} }); console.log('up')`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await said(parent)
  assert.ok(servers(home).length > 0)
  parent.kill('SIGKILL')
  await until(() => servers(home).length === 0)
  rmSync(home, { recursive: true, force: true })
})

async function query(url: string, text: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

function said(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', () => resolve())
    child.once('exit', () => reject(new Error('it ended before it was up')))
  })
}

function servers(home: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(home) &&
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('postgres\0-D')
      )
    } catch {
      return false
    }
  })
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it did not come true within 20 s')
    await sleep(20)
  }
}
