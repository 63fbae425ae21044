import type { WakeUpDriver } from 'estafet/contract'
import { memoryWakeUpDriver } from './memory-driver.ts'

type WakeUp = ReturnType<WakeUpDriver['wakeUp']>
type Announcer = ReturnType<WakeUpDriver['announcer']>

/** Bells that each break one promise, by what is wrong with them. */
export const brokenWakeUps: Readonly<Record<string, () => WakeUpDriver>> = {
  'loses every announcement': () => withAnnouncer(() => ({ announce() {} })),
  'wakes one reader only': () => {
    const driver = memoryWakeUpDriver()
    let readers = 0
    return { ...driver, wakeUp: () => (readers++ === 0 ? driver.wakeUp() : deaf(driver)) }
  },
  'waits for ever': () => withWakeUp((wakeUp) => ({ wait: (_, signal) => wakeUp.wait(1e9, signal) })),
  'wakes of itself': () => withWakeUp((wakeUp) => ({ wait: (ms, signal) => wakeUp.wait(Math.min(ms, 10), signal) })),
  'does not hear the abort': () =>
    withWakeUp((wakeUp) => ({ wait: (ms) => wakeUp.wait(ms, new AbortController().signal) })),
  'rejects at the abort': () =>
    withWakeUp((wakeUp) => ({ wait: (ms, signal) => wakeUp.wait(ms, signal).then(() => signal.throwIfAborted()) })),
  'forgets what is pending when closed': () =>
    withAnnouncer((announcer) => {
      let isClosed = false
      return {
        announce: () => void setImmediate(() => isClosed || announcer.announce()),
        async close() {
          isClosed = true
        },
      }
    }),
  'fails when closed twice': () => {
    let closed = 0
    return withWakeUp(() => ({
      close: () => (closed++ === 0 ? Promise.resolve() : Promise.reject(new Error('closed already'))),
    }))
  },
  'lets nobody wait after it was closed': () => {
    let isClosed = false
    return withWakeUp((wakeUp) => ({
      wait: (...of) => (isClosed ? new Promise(() => {}) : wakeUp.wait(...of)),
      async close() {
        isClosed = true
      },
    }))
  },
}

function withWakeUp(change: (wakeUp: WakeUp) => Partial<WakeUp>): WakeUpDriver {
  const driver = memoryWakeUpDriver()
  return {
    ...driver,
    wakeUp() {
      const wakeUp = driver.wakeUp()
      return { ...wakeUp, ...change(wakeUp) }
    },
  }
}

function withAnnouncer(change: (announcer: Announcer) => Partial<Announcer>): WakeUpDriver {
  const driver = memoryWakeUpDriver()
  return {
    ...driver,
    announcer() {
      const announcer = driver.announcer()
      return { ...announcer, ...change(announcer) }
    },
  }
}

/** A reader that hears nothing; its waits still end in time. */
function deaf(driver: WakeUpDriver): WakeUp {
  const { pass: _, ...other } = memoryWakeUpDriver()
  return { ...driver.wakeUp(), wait: other.wakeUp().wait }
}
