import type { Announcer, WakeUp } from '../ports/wake-up.ts'
import { type Clause, holds } from './clause.ts'

/** What a driver's test gives to these clauses: a way to tell, ways to be told, and time. */
export interface WakeUpDriver {
  announcer(): Announcer
  wakeUp(): WakeUp
  /** Lets time pass. */
  pass(ms: number): Promise<void>
}

const long = 600_000

/** The promises of WakeUp and Announcer: a hint that comes soon, and never more than a hint. */
export function wakeUpClauses(): readonly Clause<WakeUpDriver>[] {
  return [
    clause('an announcement ends the waits of every reader', async (driver, signal) => {
      const readers = [driver.wakeUp(), driver.wakeUp()]
      const announcer = driver.announcer()
      const waits = readers.map((reader) => observed(reader.wait(long, signal)))
      await until(driver, () => {
        announcer.announce()
        return waits.every(({ hasEnded }) => hasEnded())
      })
      await Promise.all([announcer.close(), ...readers.map((reader) => reader.close())])
    }),
    clause('a wait lasts its time when nothing is announced, and no longer', async (driver, signal) => {
      const reader = driver.wakeUp()
      const short = observed(reader.wait(30, signal))
      const other = observed(reader.wait(long, signal))
      await until(driver, () => short.hasEnded())
      // Whoever tells the reader may have been asked for the shorter one alone, and answer late.
      await driver.pass(100)
      holds(!other.hasEnded(), 'the longer wait goes on')
      await reader.close()
    }),
    clause('an abort ends a wait at once, before or while it lasts', async (driver) => {
      const reader = driver.wakeUp()
      const abort = new AbortController()
      const wait = observed(reader.wait(long, abort.signal))
      await driver.pass(20)
      holds(!wait.hasEnded(), 'nothing else has ended it')
      abort.abort()
      await until(driver, () => wait.hasEnded())
      const late = observed(reader.wait(long, abort.signal))
      await until(driver, () => late.hasEnded())
      await reader.close()
    }),
    clause('what was announced just before an announcer was closed is still told', async (driver, signal) => {
      const reader = driver.wakeUp()
      // The first one shows that the reader hears; an announcement before that is a hint lost, which is allowed.
      const first = driver.announcer()
      const hearing = observed(reader.wait(long, signal))
      await until(driver, () => {
        first.announce()
        return hearing.hasEnded()
      })
      await first.close()
      await driver.pass(50)
      const wait = observed(reader.wait(long, signal))
      await driver.pass(20)
      const second = driver.announcer()
      for (let time = 0; time < 100; time++) second.announce()
      await second.close()
      await until(driver, () => wait.hasEnded())
      await reader.close()
    }),
    clause('closing twice is no error, and a wait after it still ends', async (driver, signal) => {
      const [reader, announcer] = [driver.wakeUp(), driver.announcer()]
      const before = observed(reader.wait(30, signal))
      await reader.close()
      await reader.close()
      await announcer.close()
      await announcer.close()
      const after = observed(reader.wait(30, signal))
      await until(driver, () => before.hasEnded() && after.hasEnded())
    }),
  ]
}

/** A clause whose waits end with it: one that goes on would keep the process from ending. */
function clause(
  says: string,
  check: (driver: WakeUpDriver, signal: AbortSignal) => Promise<void>,
): Clause<WakeUpDriver> {
  return {
    says,
    async holds(driver) {
      const over = new AbortController()
      try {
        await check(driver, over.signal)
      } finally {
        over.abort()
      }
    },
  }
}

function observed(wait: Promise<void>): { hasEnded(): boolean } {
  let hasEnded = false
  wait.then(
    () => {
      hasEnded = true
    },
    () => {
      // A wait that rejects has not ended as promised.
    },
  )
  return { hasEnded: () => hasEnded }
}

async function until(driver: WakeUpDriver, isSo: () => boolean): Promise<void> {
  for (let time = 0; time < 200; time++) {
    if (isSo()) return
    await driver.pass(20)
  }
  throw new Error('a wait did not end')
}
