import { performance } from 'node:perf_hooks'
import { EstafetError } from '../../message/errors.ts'

/** One at a time, in the order in which they asked. */
export interface Turns {
  /** Resolves to what ends the turn. Throws UNAVAILABLE when it has not come within so many ms. */
  take(patienceMs: number): Promise<() => void>
}

/** After so long without a pause, others may be waiting whom we cannot see. */
const stretchMs = 100
/** Longer than another process waits before it asks again: SQLite keeps no queue, so it can only ask at the right time. */
export const giveWayMs = 12
/** A pause of this length is one in which another process could have begun. */
const pauseMs = giveWayMs

interface Waiting {
  readonly begin: () => void
  readonly timer: NodeJS.Timeout
}

/** Turns within this process; after each stretch of them, by a clock in ms, there is a pause for other processes. */
export function turns(now: () => number = () => performance.now()): Turns {
  const waiting: Waiting[] = []
  let isTaken = false
  let stretchBegan = 0
  let ended = Number.NEGATIVE_INFINITY

  function leave(): void {
    ended = now()
    const first = waiting.shift()
    if (first === undefined) {
      isTaken = false
      return
    }
    clearTimeout(first.timer)
    begin(first.begin)
  }

  /**
   * Begins a turn, after a pause if there was none for long. Never at once: SQLite answers without awaiting anything, so
   * a row of transactions would keep timers and sockets of this process waiting until its end.
   */
  function begin(start: () => void): void {
    const asked = now()
    if (asked - ended >= pauseMs) stretchBegan = asked
    if (asked - stretchBegan < stretchMs) {
      setImmediate(start)
      return
    }
    setTimeout(() => {
      stretchBegan = now()
      start()
    }, giveWayMs)
  }

  return {
    take(patienceMs) {
      return new Promise((resolve, reject) => {
        let isOver = false
        const start = (): void =>
          resolve(() => {
            if (isOver) return
            isOver = true
            leave()
          })
        if (!isTaken) {
          isTaken = true
          begin(start)
          return
        }
        const own: Waiting = {
          begin: start,
          timer: setTimeout(() => {
            waiting.splice(waiting.indexOf(own), 1)
            reject(tooLong(patienceMs))
          }, patienceMs),
        }
        waiting.push(own)
      })
    },
  }
}

function tooLong(patienceMs: number): EstafetError {
  return new EstafetError(
    'UNAVAILABLE',
    `Another transaction of this process kept the SQLite database for ${patienceMs} ms. It writes one at a time: keep transactions short, and use the transaction that you were given instead of a second one.`,
  )
}
