import type { Announcer, WakeUp } from '../../ports/wake-up.ts'
import { published } from '../../telemetry/channels.ts'
import { hearErrors } from './heard-errors.ts'
import type { SqlClient, SqlPool } from './sql.ts'

const channelName = 'estafet'

/** A client that can LISTEN, as `pg`'s clients can. */
interface ListeningClient extends SqlClient {
  on(event: 'notification' | 'error', listener: (argument: never) => void): unknown
}

export interface ListeningPool {
  connect(): Promise<ListeningClient>
}

/**
 * Hears announcements over LISTEN on one client of the pool; listens again after a lost connection. While it cannot,
 * waits simply last their full time.
 */
export function postgresWakeUp(pool: ListeningPool): WakeUp {
  const waiting = new Set<() => void>()
  hearErrors(pool)
  let client: ListeningClient | null = null
  let isConnecting = false
  let isClosed = false

  function wakeAll(): void {
    for (const wake of [...waiting]) wake()
  }

  function drop(lost: ListeningClient): void {
    if (client !== lost) return
    client = null
    lost.release(true)
  }

  async function listen(): Promise<void> {
    if (client !== null || isConnecting || isClosed) return
    isConnecting = true
    try {
      const fresh = await pool.connect()
      client = fresh
      fresh.on('error', () => drop(fresh))
      fresh.on('notification', wakeAll)
      await fresh.query(`LISTEN ${channelName}`)
      if (isClosed) drop(fresh)
    } catch {
      if (client !== null) drop(client)
    } finally {
      isConnecting = false
    }
  }

  return {
    wait(ms, signal) {
      if (signal.aborted) return Promise.resolve()
      void listen()
      return new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer)
          signal.removeEventListener('abort', done)
          waiting.delete(done)
          resolve()
        }
        const timer = setTimeout(done, ms)
        signal.addEventListener('abort', done, { once: true })
        waiting.add(done)
      })
    },
    async close() {
      isClosed = true
      if (client !== null) drop(client)
    },
  }
}

/**
 * Announces this process's publishing over NOTIFY, at most once every `everyMs`, on a connection of the pool and never
 * in the user's transaction: there it would serialise all commits. (Default: 3 ms.)
 *
 * `announce` is for after a commit and sends at once; a `publish` whose commit is not seen is announced a little later.
 */
export function postgresAnnouncer(pool: SqlPool, everyMs = 3): Announcer {
  let timer: NodeJS.Timeout | null = null
  let lastSent = Number.NEGATIVE_INFINITY
  let sending: Promise<unknown> = Promise.resolve()
  const send = (): void => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    lastSent = performance.now()
    // A lost announcement is a slower delivery and nothing else: readers poll.
    sending = pool.query(`NOTIFY ${channelName}`).catch(() => {})
  }
  const later = (): void => {
    timer ??= setTimeout(send, everyMs)
  }
  published.subscribe(later)
  return {
    announce() {
      if (performance.now() - lastSent >= everyMs) send()
      else later()
    },
    async close() {
      published.unsubscribe(later)
      if (timer !== null) send()
      await sending
    },
  }
}
