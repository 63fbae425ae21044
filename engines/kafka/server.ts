import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { howToGetKafka, type KafkaInstallation, kafkaInstallation } from './installation.ts'

const run = promisify(execFile)

export interface KafkaOptions {
  /** Left out: the one found. */
  readonly installation?: KafkaInstallation
  /** Of the broker, beside or instead of ours. */
  readonly settings?: Readonly<Record<string, string>>
  /** Of the broker and its controller, for a server that others know already. Left out: free ones are chosen. */
  readonly ports?: KafkaPorts
}

export interface KafkaPorts {
  readonly broker: number
  readonly controller: number
}

export interface KafkaServer {
  /** `host:port` of the broker; the same after a restart. */
  readonly bootstrap: string
  readonly ports: KafkaPorts
  /** Of the process now running; another one after a restart. */
  readonly pid: number
  /** The folder of its data and its log. */
  readonly home: string
  /** Ends the broker at once, as a crash would, and resolves when it is gone. May be repeated. */
  kill(): Promise<void>
  /** Starts a killed broker again, on its ports and with its data, and resolves when it answers. */
  restart(): Promise<void>
  /** Stops the broker in good order, and removes its folder. May be repeated. */
  stop(): Promise<void>
}

/**
 * Starts one Kafka of our own, broker and controller in one process, on free ports of the loopback address, in a
 * temporary folder.
 *
 * It is stopped by `stop`, and also when this process ends without having called it, however it ends.
 */
export async function temporaryKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  const installation = options.installation ?? kafkaInstallation()
  if (installation === null) throw new Error(`There is no Kafka here; get it by: ${howToGetKafka}.`)
  const home = mkdtempSync(join(tmpdir(), 'estafet-kafka-'))
  const remove = (): void => rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  try {
    const { ports, launched } = await firstLaunch(installation, home, options)
    let current = launched
    let isStopped = false
    return {
      bootstrap: `127.0.0.1:${ports.broker}`,
      ports,
      home,
      get pid() {
        return current.pid
      },
      kill: () => end(current, 'SIGKILL'),
      async restart() {
        await end(current, 'SIGKILL')
        if (isStopped) throw new Error('This Kafka was stopped, and its folder is gone.')
        current = launch(installation, home)
        if (!(await isUp(current, ports.broker))) throw new Error(`Kafka did not start again:\n${logTail(home)}`)
      },
      async stop() {
        isStopped = true
        await end(current, 'SIGTERM')
        remove()
      },
    }
  } catch (error) {
    remove()
    throw error
  }
}

interface Launched {
  readonly child: ChildProcess
  readonly pid: number
}

/** Launches until a broker is up: up to three times on ports that we choose, once on ports that the caller named. */
async function firstLaunch(
  installation: KafkaInstallation,
  home: string,
  options: KafkaOptions,
): Promise<{ readonly ports: KafkaPorts; readonly launched: Launched }> {
  for (let attempt = options.ports === undefined ? 1 : 3; attempt <= 3; attempt++) {
    const ports = options.ports ?? (await freePorts())
    const data = join(home, `data-${attempt}`)
    writeFileSync(join(home, 'server.properties'), properties(ports, data, options.settings))
    const clusterId = 'ZXN0YWZldC10ZXN0LTAwMQ'
    const words = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', join(home, 'server.properties')]
    await run(installation.java, ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', installation.classPath, ...words])
    const launched = launch(installation, home)
    if (await isUp(launched, ports.broker)) return { ports, launched }
    await end(launched, 'SIGKILL')
  }
  throw new Error(`Kafka did not start; the end of its log:\n${logTail(home)}`)
}

function properties(ports: KafkaPorts, data: string, extra: KafkaOptions['settings']): string {
  const settings: Readonly<Record<string, string>> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${ports.broker},CONTROLLER://127.0.0.1:${ports.controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.broker}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': data,
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // A restarted broker waits until the registration of the one before it has lapsed.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    ...extra,
  }
  return `${Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`
}

function launch(installation: KafkaInstallation, home: string): Launched {
  const log = openSync(logFile(home), 'a')
  const memory = ['-Xmx512m', '-XX:+UseSerialGC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']
  const words = [...memory, '-cp', installation.classPath, 'kafka.Kafka', join(home, 'server.properties')]
  // A session of its own: Ctrl-C in the terminal must not reach it before its readers have drained.
  const child = spawn(installation.java, words, { cwd: home, detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  const pid = child.pid ?? 0
  // The guard holds the other end of our pipe: when we are gone, however, it ends Kafka. Ours are all temporary.
  const guard = spawn('sh', ['-c', 'read _; kill -KILL "$1" 2>/dev/null; rm -rf "$2"', 'guard', String(pid), home], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  guard.unref()
  if (guard.stdin instanceof Socket) guard.stdin.unref()
  child.once('exit', () => guard.kill('SIGKILL'))
  return { child, pid }
}

async function isUp(launched: Launched, port: number): Promise<boolean> {
  const deadline = Date.now() + 60_000
  while (isAlive(launched.child) && Date.now() < deadline) {
    if (await answers(port)) return isAlive(launched.child)
    await sleep(50)
  }
  return false
}

/** True when a request for the versions that the broker speaks is answered: it listens before it works. */
function answers(port: number): Promise<boolean> {
  // Size, api 18, version 0, correlation id 7, no client id.
  const request = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff])
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    const settle = (isThere: boolean): void => {
      socket.destroy()
      resolve(isThere)
    }
    socket.setTimeout(2000, () => settle(false))
    socket.once('data', (data) => settle(data.length >= 8 && data.readInt32BE(4) === 7))
    socket.once('error', () => settle(false))
    socket.once('close', () => settle(false))
  })
}

async function end(launched: Launched, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (!isAlive(launched.child)) return
  const ended = new Promise((resolve) => launched.child.once('exit', resolve))
  launched.child.kill(signal)
  const impatience = setTimeout(() => launched.child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(impatience)
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

function logFile(home: string): string {
  return join(home, 'kafka.log')
}

function logTail(home: string): string {
  return readFileSync(logFile(home), 'utf8').slice(-2000)
}

/** Two ports that are free now; both are held until both are known, so that they differ. */
async function freePorts(): Promise<KafkaPorts> {
  const held = [createServer(), createServer()]
  const [broker = 0, controller = 0] = await Promise.all(
    held.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject)
          server.listen(0, '127.0.0.1', () => {
            const address = server.address()
            resolve(typeof address === 'object' && address !== null ? address.port : 0)
          })
        }),
    ),
  )
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  return { broker, controller }
}
