import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findRedis, howToGetRedis, type RedisBinaries } from './binaries.ts'
import { answers } from './ping.ts'

export interface RedisOptions {
  /** Folder of this server's data, settings and log; made when missing. */
  readonly home: string
  /** Left out: the one that is found. */
  readonly binaries?: RedisBinaries
  /** By name in redis.conf; beside those that make it durable. */
  readonly settings?: Readonly<Record<string, string>>
  /** Left out: a free one is chosen, and another one should a program take it in between. */
  readonly port?: number
}

export interface RedisServer {
  readonly port: number
  /** Of the process now running; another one after a restart. */
  readonly pid: number
  readonly password: string
  /** With the password. */
  readonly url: string
  readonly major: number
  /** Ends it at once, as a crash would, and resolves when it has ended. */
  kill(): Promise<void>
  /** Starts it again on its port with its data, once it has ended. */
  restart(): Promise<void>
  /** Stops it in good order. May be repeated. */
  stop(): Promise<void>
}

const settings: Readonly<Record<string, string>> = {
  bind: '127.0.0.1',
  save: '""',
  appendonly: 'yes',
  // So that what was answered is there after a kill, and after a loss of power where the disk is honest.
  appendfsync: 'always',
  'maxmemory-policy': 'noeviction',
  daemonize: 'no',
}

/**
 * Starts a Redis of our own on the loopback address, which writes each command to its file before it answers.
 *
 * It is stopped by `stop`, and also when this process ends without having called it, however it ends.
 */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const binaries = options.binaries ?? findRedis()
  if (binaries === null) throw new Error(`No redis-server was found: ${howToGetRedis}.`)
  const made = home(options)
  const { port, launched } = await firstLaunch(binaries, made, options)
  let current = launched
  return {
    port,
    major: binaries.major,
    password: made.password,
    url: `redis://:${made.password}@127.0.0.1:${port}`,
    get pid() {
      return current.pid
    },
    kill: () => end(current, 'SIGKILL'),
    async restart() {
      await end(current, 'SIGTERM')
      current = launch(binaries, made, port)
      if (!(await isUp(current, made, port, Date.now() + 60_000))) throw notUp(made)
    },
    stop: () => end(current, 'SIGTERM'),
  }
}

/** A server in a folder of its own that is removed with `stop`. */
export async function temporaryRedis(options: Omit<RedisOptions, 'home'> = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'estafet-redis-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  try {
    const server = await startRedis({ ...options, home: folder })
    return Object.create(server, { stop: { value: () => server.stop().then(remove) } })
  } catch (error) {
    remove()
    throw error
  }
}

interface Home {
  readonly folder: string
  readonly password: string
  readonly lines: readonly string[]
}

interface Launched {
  readonly child: ChildProcess
  readonly pid: number
  /** Resolves when it has ended, and when it could not begin. */
  readonly ended: Promise<unknown>
}

function home({ home: folder, settings: extra }: RedisOptions): Home {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const secret = join(folder, 'redis.secret')
  if (!existsSync(secret)) writeFileSync(secret, randomBytes(24).toString('base64url'), { mode: 0o600 })
  const password = readFileSync(secret, 'utf8')
  const all = { ...settings, dir: JSON.stringify(folder), requirepass: password, masterauth: password, ...extra }
  return { folder, password, lines: Object.entries(all).map(([name, value]) => `${name} ${value}`) }
}

/** Launches until a server is up: up to three times on ports that we choose, once on a port that the caller named. */
async function firstLaunch(binaries: RedisBinaries, made: Home, options: RedisOptions) {
  const attempts = options.port === undefined ? 3 : 1
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const port = options.port ?? (await freePort())
    const launched = launch(binaries, made, port)
    if (await isUp(launched, made, port, Date.now() + 60_000)) return { port, launched }
    await end(launched, 'SIGKILL')
  }
  throw notUp(made)
}

function launch(binaries: RedisBinaries, made: Home, port: number): Launched {
  const file = join(made.folder, 'redis.conf')
  // In a file and not among the arguments, which everybody on the machine can read.
  writeFileSync(file, [...made.lines, `port ${port}`, ''].join('\n'), { mode: 0o600 })
  const log = openSync(logFile(made), 'a')
  // A session of its own: Ctrl-C in the terminal must not reach it before the services have drained.
  const child = spawn(binaries.server, [file], { cwd: made.folder, detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  const pid = child.pid ?? 0
  const ended = Promise.race([once(child, 'exit'), once(child, 'error')]).catch(() => {})
  // The guard holds the other end of our pipe: when we are gone, however, it ends Redis.
  const guard = spawn('sh', ['-c', 'read _; kill -TERM "$1" 2>/dev/null', 'redis-guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  guard.unref()
  if (guard.stdin instanceof Socket) guard.stdin.unref()
  void ended.then(() => guard.kill('SIGKILL'))
  return { child, pid, ended }
}

async function isUp(launched: Launched, made: Home, port: number, deadline: number): Promise<boolean> {
  while (isAlive(launched.child) && Date.now() < deadline) {
    // The password is ours alone: a program that took the port in between cannot answer.
    if (await answers(port, made.password)) return isAlive(launched.child)
    await sleep(20)
  }
  return false
}

async function end(launched: Launched, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (!isAlive(launched.child)) return
  launched.child.kill(signal)
  const impatience = setTimeout(() => launched.child.kill('SIGKILL'), 10_000)
  // One that is frozen does not hear SIGTERM.
  launched.child.kill('SIGCONT')
  await launched.ended
  clearTimeout(impatience)
}

function isAlive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

function notUp(made: Home): Error {
  const tail = existsSync(logFile(made)) ? readFileSync(logFile(made), 'utf8').slice(-2000) : ''
  return new Error(`Redis did not start; its log is ${logFile(made)}:\n${tail}`)
}

function logFile(made: Home): string {
  return join(made.folder, 'redis.log')
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
