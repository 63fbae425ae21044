import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createClient } from '@redis/client'
import { findRedis, howToGetRedis } from '../../engines/redis/binaries.ts'
import { answers } from '../../engines/redis/ping.ts'
import { startRedis, temporaryRedis } from '../../engines/redis/server.ts'

const redis = findRedis()

test('a redis-server that is not there is told of, with how to get one', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'estafet-no-redis-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const binaries = { name: 'none', server: join(home, 'redis-server'), major: 7 }
  await assert.rejects(startRedis({ home, binaries }), /did not start/)
  assert.match(howToGetRedis, /apt-get install redis-server/)
})

describe('Redis', { skip: redis === null ? `no redis-server was found: ${howToGetRedis}` : false }, () => {
  test('two servers run side by side, and a killed one comes back on its port with what it had answered', async () => {
    const [one, two] = await Promise.all([temporaryRedis(), temporaryRedis()])
    try {
      assert.notEqual(one.port, two.port)
      assert.equal(await command(one.url, 'SET', 'kept', 'é'), 'OK')
      const before = one.pid
      await one.kill()
      await assert.rejects(command(one.url, 'PING'))
      await one.restart()
      assert.notEqual(one.pid, before)
      assert.equal(await command(one.url, 'GET', 'kept'), 'é')
      assert.equal(await command(two.url, 'GET', 'kept'), null)
    } finally {
      await Promise.all([one.stop(), two.stop()])
    }
  })

  test('it writes its file before it answers, never evicts, and takes the settings that it is given', async () => {
    const server = await temporaryRedis({ settings: { maxmemory: '32mb' } })
    try {
      for (const [name, value] of Object.entries({
        appendonly: 'yes',
        appendfsync: 'always',
        'maxmemory-policy': 'noeviction',
        maxmemory: '33554432',
      })) {
        assert.deepEqual(await command(server.url, 'CONFIG', 'GET', name), [name, value])
      }
    } finally {
      await server.stop()
    }
  })

  test('nobody gets in without its password', async () => {
    const server = await temporaryRedis()
    try {
      assert.equal(await answers(server.port, server.password), true)
      assert.equal(await answers(server.port, 'wrong'), false)
      await assert.rejects(command(`redis://127.0.0.1:${server.port}`, 'GET', 'x'), /NOAUTH/)
    } finally {
      await server.stop()
    }
  })

  test('a port that was taken in between is left for another one', async (t) => {
    const holder = await silentServer()
    const address = { address: '127.0.0.1', family: 'IPv4', port: holder.port }
    const chosen = t.mock.method(Server.prototype, 'address', () => address, { times: 1 })
    const server = await temporaryRedis()
    try {
      assert.equal(chosen.mock.callCount() > 0, true)
      assert.notEqual(server.port, holder.port)
      assert.equal(await command(server.url, 'PING'), 'PONG')
    } finally {
      await server.stop()
      await holder.close()
    }
  })

  test('a port that the caller named is used, or refused when it is taken', async () => {
    const holder = await silentServer()
    await assert.rejects(temporaryRedis({ port: holder.port }), /did not start/)
    await holder.close()
    const server = await temporaryRedis({ port: holder.port })
    assert.equal(server.port, holder.port)
    await server.stop()
  })

  test('a temporary one leaves nothing behind, frozen or not', async () => {
    const server = await temporaryRedis()
    const home = await command(server.url, 'CONFIG', 'GET', 'dir')
    const folder = Array.isArray(home) ? String(home[1]) : ''
    assert.equal(existsSync(folder), true)
    process.kill(server.pid, 'SIGSTOP')
    await server.stop()
    await server.stop()
    assert.equal(existsSync(folder), false)
    assert.equal(commandLine(server.pid), '')
  })

  for (const how of ['started', 'restarted']) {
    test(`a server just ${how} is not left behind when its parent is killed`, {
      skip: process.platform !== 'linux',
    }, async () => {
      const home = mkdtempSync(join(tmpdir(), 'estafet-orphan-redis-'))
      const parent = spawn(process.execPath, ['--input-type=module', '-e', parentProgram(home, how)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const pid = Number(await said(parent))
      assert.match(commandLine(pid), /redis-server/)
      parent.kill('SIGKILL')
      await until(() => commandLine(pid) === '')
      rmSync(home, { recursive: true, force: true })
    })
  }
})

function parentProgram(home: string, how: string): string {
  const module = fileURLToPath(new URL('../../engines/redis/server.ts', import.meta.url))
  return `const { startRedis } = await import(${JSON.stringify(module)})
    const server = await startRedis({ home: ${JSON.stringify(home)} })
    ${how === 'restarted' ? 'await server.kill(); await server.restart()' : ''}
    console.log(server.pid)
    setInterval(() => {}, 1000)`
}

async function command(url: string, ...words: readonly string[]): Promise<unknown> {
  const client = createClient({ url, RESP: 2, socket: { reconnectStrategy: false } })
  client.on('error', () => {})
  await client.connect()
  try {
    return await client.sendCommand(words)
  } finally {
    client.destroy()
  }
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

function said(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', (chunk) => resolve(String(chunk)))
    child.once('exit', () => reject(new Error('it ended before it was up')))
  })
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error('it did not come true within 20 s')
    await sleep(20)
  }
}
