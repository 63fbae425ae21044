import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { embeddedPostgres, type PostgresBinaries } from './binaries.ts'
import { type Cluster, cluster, environment } from './cluster.ts'

export interface PostgresOptions {
  /** Folder of this cluster's data, password and log; made when missing. */
  readonly home: string
  /** Left out: the embedded one. */
  readonly binaries?: PostgresBinaries
  readonly settings?: Readonly<Record<string, string>>
  /** Left out: a free one is chosen, and another one should a program take it in between. */
  readonly port?: number
  /** Start it again on the same port when it ends by itself. (Default: false.) */
  readonly restart?: boolean
  /** Told when it ended by itself. */
  readonly onExit?: (restarting: boolean) => void
}

export interface PostgresServer {
  readonly port: number
  /** Of the postmaster now running; another one after a restart. */
  readonly pid: number
  /** As superuser. */
  readonly adminUrl: string
  readonly major: number
  url(database: string, role: string, password: string): string
  /** Ends the postmaster at once, as a crash would. */
  kill(): void
  /** Stops it in good order. May be repeated. */
  stop(): Promise<void>
}

const settings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  max_prepared_transactions: '10',
  shared_buffers: '128MB',
  log_min_messages: 'warning',
}

/**
 * Starts a PostgreSQL of our own on the loopback address.
 *
 * It is stopped by `stop`, and also when this process ends without having called it, however it ends.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const binaries = options.binaries ?? embeddedPostgres()
  if (binaries === null) {
    throw new Error(`No embedded PostgreSQL for ${process.platform}-${process.arch}: install PostgreSQL 15 or later.`)
  }
  const made = await cluster(options.home, binaries)
  await formerServerGone(made.data)
  const { port, launched } = await firstLaunch(binaries, made, options)
  let current = launched
  let isStopping = false
  const restartLoop = (): void => {
    current.child.once('exit', async () => {
      if (isStopping) return
      options.onExit?.(options.restart === true)
      // After a kill -9 its backends keep the shared memory for some moments, and a new server refuses to start.
      for (let pauseMs = 50; options.restart === true && !isStopping; pauseMs = Math.min(pauseMs * 2, 2000)) {
        current = launch(binaries, made, port, options.settings)
        // No deadline: to recover a large log may take minutes, and a server stopped in it begins anew.
        if (await isUp(current, made, port, Number.POSITIVE_INFINITY)) return restartLoop()
        await sleep(pauseMs)
      }
    })
  }
  restartLoop()
  return {
    port,
    major: binaries.major,
    get pid() {
      return current.pid
    },
    adminUrl: url(port, 'postgres', 'postgres', made.password),
    url: (database, role, password) => url(port, database, role, password),
    kill: () => {
      if (isAlive(current.child)) process.kill(current.pid, 'SIGKILL')
    },
    stop: () => {
      isStopping = true
      return stop(current)
    },
  }
}

/** A cluster in a folder of its own that is removed with `stop`. */
export async function temporaryPostgres(options: Omit<PostgresOptions, 'home'> = {}): Promise<PostgresServer> {
  const home = mkdtempSync(join(tmpdir(), 'estafet-pg-'))
  // Backends of a killed postmaster may still write for a moment: then the folder is not empty at the first try.
  const remove = (): void => rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  try {
    const server = await startPostgres({ ...options, home })
    return Object.create(server, { stop: { value: () => server.stop().then(remove) } })
  } catch (error) {
    remove()
    throw error
  }
}

interface Launched {
  readonly child: ChildProcess
  readonly pid: number
  readonly guard: ChildProcess
}

/** Launches until a server is up: up to three times on ports that we choose, once on a port that the caller named. */
async function firstLaunch(
  binaries: PostgresBinaries,
  made: Cluster,
  options: PostgresOptions,
): Promise<{ readonly port: number; readonly launched: Launched }> {
  const attempts = options.port === undefined ? 3 : 1
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const port = options.port ?? (await freePort())
    const launched = launch(binaries, made, port, options.settings)
    if (await isUp(launched, made, port, Date.now() + 60_000)) return { port, launched }
    // Not up, but not ended either: it must not go on beside the next one, or after us.
    await stop(launched)
  }
  throw new Error(`PostgreSQL did not start; its log is ${logFile(made)}:\n${logTail(made)}`)
}

function launch(binaries: PostgresBinaries, made: Cluster, port: number, extra: PostgresOptions['settings']): Launched {
  const options = Object.entries({ ...settings, ...extra }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const [program = '', ...words] = [
    ...made.identity.wrap,
    join(binaries.bin, 'postgres'),
    ...['-D', made.data, '-p', String(port)],
    ...options,
  ]
  const log = openSync(logFile(made), 'a')
  // A session of its own: Ctrl-C in the terminal must not reach it before the services have drained.
  const child = spawn(program, words, {
    env: environment,
    cwd: made.home,
    detached: true,
    stdio: ['ignore', 'ignore', log],
  })
  closeSync(log)
  const pid = child.pid ?? 0
  // The guard holds the other end of our pipe: when we are gone, however, it ends PostgreSQL.
  const guard = spawn('sh', ['-c', 'read _; kill -INT "$1" 2>/dev/null', 'postgres-guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  guard.unref()
  if (guard.stdin instanceof Socket) guard.stdin.unref()
  child.once('exit', () => guard.kill('SIGKILL'))
  return { child, pid, guard }
}

async function isUp(launched: Launched, made: Cluster, port: number, deadline: number): Promise<boolean> {
  const address = url(port, 'postgres', 'postgres', made.password)
  while (isAlive(launched.child) && Date.now() < deadline) {
    // Asked after the answer, with nothing awaited in between: an exit from here on meets the caller's listener.
    if (await answers(address)) return isAlive(launched.child)
    await sleep(20)
  }
  return false
}

async function answers(connectionString: string): Promise<boolean> {
  // The time-out is for a port that another program holds: one that takes connections and never answers.
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}

async function stop(launched: Launched): Promise<void> {
  if (!isAlive(launched.child)) return
  const ended = new Promise((resolve) => launched.child.once('exit', resolve))
  launched.child.kill('SIGINT')
  const impatience = setTimeout(() => launched.child.kill('SIGQUIT'), 10_000)
  await ended
  clearTimeout(impatience)
}

/** Waits for a server that an earlier run left behind; its guard is stopping it, and after two seconds we do. */
async function formerServerGone(data: string): Promise<void> {
  const pidFile = join(data, 'postmaster.pid')
  for (let look = 0; existsSync(pidFile) && look < 100; look++) {
    const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0])
    if (!commandLine(pid).includes(data)) return
    if (look === 20) interrupt(pid)
    await sleep(100)
  }
}

function interrupt(pid: number): void {
  try {
    process.kill(pid, 'SIGINT')
  } catch {
    // It ended since we looked.
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

function logFile(made: Cluster): string {
  return join(made.home, 'postgres.log')
}

function logTail(made: Cluster): string {
  return readFileSync(logFile(made), 'utf8').slice(-2000)
}

function url(port: number, database: string, role: string, password: string): string {
  const encoded = encodeURIComponent(password)
  return `postgres://${encodeURIComponent(role)}:${encoded}@127.0.0.1:${port}/${encodeURIComponent(database)}`
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
