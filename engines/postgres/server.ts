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
 * Starts a PostgreSQL of our own on a free port of the loopback address.
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
  let port = await freePort()
  let current = launch(binaries, made, port, options.settings)
  // Another program may have taken the free port in between: then try another one.
  for (let attempt = 1; !(await isUp(current, made, port)); attempt++) {
    if (attempt === 3) throw new Error(`PostgreSQL did not start; its log is ${logFile(made)}:\n${logTail(made)}`)
    port = await freePort()
    current = launch(binaries, made, port, options.settings)
  }
  let isStopping = false
  const restartLoop = (): void => {
    current.child.once('exit', async () => {
      if (isStopping) return
      options.onExit?.(options.restart === true)
      while (options.restart === true && !isStopping) {
        // After a kill -9 its backends keep the shared memory for some moments, and a new server refuses to start.
        current = launch(binaries, made, port, options.settings)
        if (await isUp(current, made, port)) return restartLoop()
        await sleep(100)
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
  const server = await startPostgres({ ...options, home })
  const remove = async (): Promise<void> => {
    await server.stop()
    rmSync(home, { recursive: true, force: true })
  }
  return Object.create(server, { stop: { value: remove } })
}

interface Launched {
  readonly child: ChildProcess
  readonly pid: number
  readonly guard: ChildProcess
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

async function isUp(launched: Launched, made: Cluster, port: number): Promise<boolean> {
  const deadline = Date.now() + 60_000
  while (isAlive(launched.child)) {
    const client = new pg.Client({ connectionString: url(port, 'postgres', 'postgres', made.password) })
    client.on('error', () => {})
    try {
      await client.connect()
      return isAlive(launched.child)
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(20)
    } finally {
      await client.end().catch(() => {})
    }
  }
  return false
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
    if (look === 20) process.kill(pid, 'SIGINT')
    await sleep(100)
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
