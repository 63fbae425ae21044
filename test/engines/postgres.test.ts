import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { allPostgres, type PostgresBinaries } from '../../engines/postgres/binaries.ts'
import { temporaryPostgres } from '../../engines/postgres/server.ts'

for (const binaries of allPostgres()) {
  test(`${binaries.name}: two servers run side by side, and a killed one comes back on its port with its data`, async () => {
    const exits: boolean[] = []
    const [one, two] = await Promise.all([
      temporaryPostgres({ binaries, restart: true, onExit: (restarting) => exits.push(restarting) }),
      temporaryPostgres({ binaries }),
    ])
    try {
      assert.notEqual(one.port, two.port)
      await query(one.adminUrl, 'CREATE TABLE kept AS SELECT 7 AS n')
      const before = one.pid
      one.kill()
      await until(() => one.pid !== before)
      await until(async () => (await query(one.adminUrl, 'SELECT n FROM kept').catch(() => [])).length === 1)
      assert.deepEqual(exits, [true])
    } finally {
      await Promise.all([one.stop(), two.stop()])
    }
  })

  test(`${binaries.name}: a port that was taken in between is left for another one`, async (t) => {
    const holder = await silentServer()
    try {
      const address = { address: '127.0.0.1', family: 'IPv4', port: holder.port }
      const chosen = t.mock.method(Server.prototype, 'address', () => address, { times: 1 })
      const server = await temporaryPostgres({ binaries })
      try {
        assert.equal(chosen.mock.callCount() > 0, true)
        assert.notEqual(server.port, holder.port)
        assert.equal((await query(server.adminUrl, 'SELECT 1')).length, 1)
      } finally {
        await server.stop()
      }
    } finally {
      await holder.close()
    }
  })

  test(`${binaries.name}: a port that the caller named is used, or refused when it is taken`, async () => {
    const holder = await silentServer()
    await assert.rejects(temporaryPostgres({ binaries, port: holder.port }), /did not start/)
    await holder.close()
    const server = await temporaryPostgres({ binaries, port: holder.port })
    assert.equal(server.port, holder.port)
    await server.stop()
  })

  for (const how of ['started', 'restarted']) {
    test(`${binaries.name}: a server just ${how} is not left behind when its parent is killed`, {
      skip: process.platform !== 'linux',
    }, async () => {
      const home = mkdtempSync(join(tmpdir(), 'estafet-orphan-'))
      const parent = spawn(process.execPath, ['--input-type=module', '-e', parentProgram(home, binaries, how)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await said(parent)
      assert.ok(servers(home).length > 0)
      parent.kill('SIGKILL')
      await until(() => servers(home).length === 0)
      rmSync(home, { recursive: true, force: true })
    })
  }
}

test('a server that ends by itself is told of, and stays down unless a restart was asked for', async () => {
  const exits: boolean[] = []
  const server = await temporaryPostgres({ onExit: (restarting) => exits.push(restarting) })
  server.kill()
  await until(() => exits.length > 0)
  await assert.rejects(query(server.adminUrl, 'SELECT 1'))
  await server.stop()
  assert.deepEqual(exits, [false])
})

/** A process that says "up" once its server is up; with `restarted`, once a killed one has come back. */
function parentProgram(home: string, binaries: PostgresBinaries, how: string): string {
  const module = fileURLToPath(new URL('../../engines/postgres/server.ts', import.meta.url))
  const options = JSON.stringify({ home, binaries, restart: true })
  const client = import.meta.resolve('pg')
  const comeBack = `
    const { default: pg } = await import(${JSON.stringify(client)})
    const before = server.pid
    server.kill()
    for (let isUp = false; !isUp; await new Promise((resolve) => setTimeout(resolve, 20))) {
      const client = new pg.Client({ connectionString: server.adminUrl })
      client.on('error', () => {})
      isUp = server.pid !== before && (await client.connect().then(() => true, () => false))
      await client.end().catch(() => {})
    }`
  return `const { startPostgres } = await import(${JSON.stringify(module)})
    const server = await startPostgres(${options})
    ${how === 'restarted' ? comeBack : ''}
    console.log('up')`
}

/** Holds a port: takes connections and never answers. */
async function silentServer(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const close = async (): Promise<void> => {
    for (const socket of open) socket.destroy()
    server.close()
    await once(server, 'close')
  }
  return { port: typeof address === 'object' && address !== null ? address.port : 0, close }
}

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
