import { type ChildProcess, fork } from 'node:child_process'
import { backOffMs } from '../../delivery/back-off.ts'
import type { Logger } from '../../ports/logger.ts'
import { systemClock, systemRandom } from '../world.ts'

export interface SupervisedProcess {
  readonly name: string
  /** The module that the process runs; it calls `supervised`. */
  readonly module: URL
  readonly env?: Readonly<Record<string, string>>
}

export interface SupervisorOptions {
  readonly processes: readonly SupervisedProcess[]
  readonly logger: Logger
  /** How long a process may take to end when asked to, before it is killed. (Default: 15 s.) */
  readonly stopMs?: number
  /**
   * After how long without an answer a process is taken for stuck and killed, to be started again: a handler blocks its
   * event loop. Infinity: never. (Default: 30 s.)
   */
  readonly stuckMs?: number
}

/** What a process said when it became ready, such as its address. */
export type Announcement = Readonly<Record<string, string | number>>

export interface Supervisor {
  /** Resolves when every process has said that it is ready; rejects when one ended five times without ever being so. */
  ready(): Promise<Readonly<Record<string, Announcement>>>
  /** What each process said last; a restarted one says it again. */
  announcements(): Readonly<Record<string, Announcement>>
  /** Ids of the processes now running, by name. */
  pids(): Readonly<Record<string, number>>
  /** How often each process ended by itself. */
  restarts(): Readonly<Record<string, number>>
  /** Asks all of them to end, waits, and kills what is left. May be repeated. */
  stop(): Promise<void>
}

const backOff = { firstMs: 200, maxMs: 5_000 }
const steadyAfterMs = 10_000

/**
 * Runs each service of an application as a process of its own and starts it again, with back-off, when it ends by
 * itself. A process ends by itself, too, when this one is gone, however that happened.
 */
export function supervise(options: SupervisorOptions): Supervisor {
  const watched = options.processes.map((process) => watch(process, options.logger, options.stuckMs ?? 30_000))
  const byName = <Value>(of: (each: Watched) => Value): Record<string, Value> =>
    Object.fromEntries(watched.map((each) => [each.name, of(each)]))
  let stopped: Promise<unknown> | null = null
  return {
    async ready() {
      await Promise.all(watched.map(({ ready }) => ready))
      return byName(({ announcement }) => announcement())
    },
    announcements: () => byName(({ announcement }) => announcement()),
    pids: () => byName(({ pid }) => pid()),
    restarts: () => byName(({ restarts }) => restarts()),
    async stop() {
      stopped ??= Promise.all(watched.map((each) => each.stop(options.stopMs ?? 15_000)))
      await stopped
    },
  }
}

interface Watched {
  readonly name: string
  readonly ready: Promise<void>
  announcement(): Announcement
  pid(): number
  restarts(): number
  stop(stopMs: number): Promise<void>
}

function watch(process: SupervisedProcess, logger: Logger, stuckMs: number): Watched {
  const stopping = new AbortController()
  const readiness = Promise.withResolvers<void>()
  // Whoever asks gets the rejection; who does not ask must not be ended by it.
  readiness.promise.catch(() => {})
  let announcement: Announcement = {}
  let restarts = 0
  let child: ChildProcess | null = null

  async function keep(): Promise<void> {
    let failures = 0
    while (!stopping.signal.aborted) {
      const begun = systemClock.now()
      const how = await lifeOf(() => {
        child = begin(process, (said) => {
          announcement = said
          readiness.resolve()
        })
        return ended(child, stuckMs)
      })
      if (stopping.signal.aborted) return
      restarts += 1
      failures = systemClock.now() - begun > steadyAfterMs ? 1 : failures + 1
      const waitMs = Math.round(backOffMs(backOff, failures, systemRandom.fraction()))
      logger.warn('a process ended and is started again', { process: process.name, how, wait_ms: waitMs })
      if (failures >= 5) readiness.reject(new Error(`${process.name} ended five times; the last time: ${how}.`))
      await systemClock.sleep(waitMs, stopping.signal)
    }
  }

  const kept = keep()
  return {
    name: process.name,
    ready: readiness.promise,
    announcement: () => announcement,
    pid: () => child?.pid ?? 0,
    restarts: () => restarts,
    async stop(stopMs) {
      stopping.abort()
      child?.kill('SIGTERM')
      const patience = setTimeout(() => child?.kill('SIGKILL'), stopMs)
      await kept
      clearTimeout(patience)
    },
  }
}

/** How a process ended; also one that could not even begin, as while its program is being replaced. */
async function lifeOf(life: () => Promise<string>): Promise<string> {
  try {
    return await life()
  } catch (error) {
    return `it could not begin: ${error instanceof Error ? error.message : 'unknown'}`
  }
}

function begin(process: SupervisedProcess, ready: (said: Announcement) => void): ChildProcess {
  const child = fork(process.module, { env: { ...globalThis.process.env, ...process.env } })
  child.on('message', (message) => {
    if (typeof message === 'object' && message !== null && 'ready' in message) ready(announcementOf(message.ready))
  })
  return child
}

function announcementOf(said: unknown): Announcement {
  const entries = typeof said === 'object' && said !== null ? Object.entries(said) : []
  return Object.fromEntries(
    entries.filter(([, value]: [string, unknown]) => typeof value === 'string' || typeof value === 'number'),
  )
}

async function ended(child: ChildProcess, stuckMs: number): Promise<string> {
  let isStuck = false
  const pulse = watchPulse(child, stuckMs, () => {
    isStuck = true
  })
  try {
    return await new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('exit', (code, signal) => {
        if (isStuck) resolve(`killed, because it did not answer for ${stuckMs} ms`)
        else resolve(signal === null ? `exit code ${code}` : `signal ${signal}`)
      })
    })
  } finally {
    clearInterval(pulse)
  }
}

/** How many questions a process may leave unanswered. */
const patience = 5

/** Asks the process again and again whether it is there, and kills it once it has left too many questions unanswered. */
function watchPulse(child: ChildProcess, stuckMs: number, stuck: () => void): NodeJS.Timeout | undefined {
  if (!Number.isFinite(stuckMs)) return undefined
  let unanswered = 0
  let hasAnswered = false
  child.on('message', (message) => {
    if (typeof message !== 'object' || message === null || !('pulse' in message)) return
    hasAnswered = true
    unanswered = 0
  })
  // Counted, not timed: a machine that slept must not find all of its processes stuck when it wakes.
  return setInterval(() => {
    // One that never answered has not come so far; it is ended by itself, or by its start.
    if (hasAnswered && unanswered >= patience) {
      stuck()
      child.kill('SIGKILL')
    } else if (child.connected) {
      unanswered += 1
      child.send({ pulse: true }, () => {})
    }
  }, stuckMs / patience)
}
