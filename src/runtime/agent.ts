import { errorName } from '../delivery/failure.ts'
import type { Clock } from '../ports/clock.ts'

export type AgentState = 'starting' | 'running' | 'working' | 'retrying' | 'stopped'

/** One loop of a process, as health sees it. */
export interface AgentReport {
  readonly name: string
  readonly state: AgentState
  /** Since it last did its work without an error, in ms. */
  readonly silentMs: number
  /** What it is held up by: a code of the toolkit, or the name of a foreign error's class. */
  readonly error: string | null
}

export interface Agent {
  /** It began something that should not take long. */
  working(): void
  /** It did its work, or found that there was none. */
  beat(): void
  /** It failed and will try again. */
  retry(error: unknown): void
  /** It ended: for good when there is an error. */
  stopped(error?: unknown): void
  report(): AgentReport
}

export function agent(name: string, clock: Clock): Agent {
  let state: AgentState = 'starting'
  let error: string | null = null
  let lastBeat = clock.now()
  let lastSuccess = lastBeat
  const turn = (to: AgentState, why: unknown): void => {
    // A step that was under way when the loop was ended must not bring it back to life.
    if (state === 'stopped') return
    state = to
    error = why === undefined ? null : errorName(why)
  }
  return {
    working() {
      lastBeat = clock.now()
      turn('working', undefined)
    },
    beat() {
      lastBeat = clock.now()
      lastSuccess = lastBeat
      turn('running', undefined)
    },
    retry(why) {
      // The silence goes on from the last success: a loop that fails and fails again is stalled.
      if (state === 'working') lastBeat = lastSuccess
      turn('retrying', why)
    },
    stopped: (why) => turn('stopped', why),
    report: () => ({ name, state, silentMs: Math.max(0, clock.now() - lastBeat), error }),
  }
}
