import type { VirtualClock } from '../drivers/memory/clock.ts'
import type { Interrupt } from '../drivers/memory/database.ts'
import type { Random } from '../ports/random.ts'

/** What befalls the task that is about to go on. */
export type Fate = 'go on' | 'fail' | 'stop for good'

export interface Scheduler {
  /** An interrupt for one life of a process: what is asked through it waits to be chosen. */
  interrupt(process: string): Interrupt
  /** Ends a process's life: none of its tasks ever goes on. */
  kill(process: string): void
  /** Keeps a process from going on for a while; it notices nothing. */
  pause(process: string, ms: number): void
  /** Lets one task take one step. False when nothing can ever happen again. */
  step(fate: (process: string, point: string) => Fate): Promise<boolean>
}

interface Waiting {
  readonly process: string
  readonly point: string
  readonly go: () => void
  readonly fail: () => void
}

// Turns that most chains of awaits between two interrupts take, and the longest: nothing waits before those have passed.
const usualTurns = 16
const allTurns = 100

/** Runs many tasks in one thread, one step of one of them at a time, in an order that a seed decides. */
export function scheduler(clock: VirtualClock, random: Random, failure: () => Error): Scheduler {
  let waiting: Waiting[] = []
  const lives = new Map<string, number>()
  const pausedUntil = new Map<string, number>()
  const readyTasks = (): readonly Waiting[] =>
    waiting.filter(({ process }) => (pausedUntil.get(process) ?? 0) <= clock.now())

  return {
    interrupt(process) {
      const life = lives.get(process) ?? 0
      return (point) =>
        new Promise((resolve, reject) => {
          // A task of a former life is simply never heard of again.
          if (life !== (lives.get(process) ?? 0)) return
          waiting.push({ process, point, go: resolve, fail: () => reject(failure()) })
        })
    },
    kill(process) {
      lives.set(process, (lives.get(process) ?? 0) + 1)
      waiting = waiting.filter((each) => each.process !== process)
      pausedUntil.delete(process)
    },
    pause(process, ms) {
      pausedUntil.set(process, clock.now() + ms)
      void clock.sleep(ms)
    },
    async step(fate) {
      for (let turn = 0; turn < usualTurns; turn++) await Promise.resolve()
      if (readyTasks().length === 0) for (let turn = usualTurns; turn < allTurns; turn++) await Promise.resolve()
      const ready = readyTasks()
      const chosen = ready[Math.floor(random.fraction() * ready.length)]
      // Now and then time passes although somebody could go on: a slow step.
      if (chosen === undefined || random.fraction() < 0.02) {
        const hasMoved = clock.next()
        return hasMoved || ready.length > 0
      }
      waiting.splice(waiting.indexOf(chosen), 1)
      const decided = fate(chosen.process, chosen.point)
      if (decided === 'go on') chosen.go()
      if (decided === 'fail') chosen.fail()
      return true
    },
  }
}
