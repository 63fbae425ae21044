import { encodeJson } from '../message/json.ts'
import type { OutgoingEvent } from '../message/stream-event.ts'
import { canonical } from './canonical.ts'
import type { Decider } from './decider.ts'
import { foldEvents } from './fold.ts'

/** What must be true of a decider: `specification(Order).given(...).when(command).gives(...)`. */
export interface Specification<State, Command> {
  /** What has happened before. */
  given(...events: readonly OutgoingEvent[]): Situation<State, Command>
}

export interface Situation<State, Command> {
  when(command: Command): Decision<State>
  /** Fails unless the state is this one. */
  is(state: State): void
}

export interface Decision<State> {
  /** Fails unless exactly these events happen, in this order; none when none are given. */
  gives(...events: readonly OutgoingEvent[]): void
  /** Fails unless the command is refused with an error whose message has this text, or that the function accepts. */
  refuses(expected: string | RegExp | ((error: unknown) => boolean)): void
  /** Fails unless the state after the events is this one. */
  leaves(state: State): void
}

/**
 * Runs a decider as it runs in production: events are encoded and read again. Throws plain errors that say what was expected
 * and what came, so that any test runner can use it.
 */
export function specification<State, Command>(of: Decider<State, Command>): Specification<State, Command> {
  return {
    given(...before) {
      const state = foldEvents(of, of.initial, before.map(stored))
      return {
        is: (expected) => same('the state', state, expected),
        when(command) {
          const outcome = attempt(() => of.decide(command, state))
          const events = (): readonly OutgoingEvent[] => {
            if ('error' in outcome) throw new Error(`expected events, and it was refused: ${textOf(outcome.error)}`)
            return outcome.events
          }
          return {
            gives: (...expected) => same('the events', events().map(plain), expected.map(plain)),
            leaves: (expected) => same('the state', foldEvents(of, state, events().map(stored)), expected),
            refuses(expected) {
              if ('events' in outcome) {
                throw new Error(`expected a refusal, and these happened: ${JSON.stringify(outcome.events.map(plain))}`)
              }
              if (!isExpected(outcome.error, expected)) {
                throw new Error(`expected another refusal than: ${textOf(outcome.error)}`)
              }
            },
          }
        },
      }
    },
  }
}

type Outcome = { readonly events: readonly OutgoingEvent[] } | { readonly error: unknown }

function attempt(decide: () => readonly OutgoingEvent[]): Outcome {
  try {
    return { events: decide() }
  } catch (error) {
    return { error }
  }
}

function stored({ type, version, data }: OutgoingEvent) {
  return { type, version, payload: encodeJson(data) }
}

function plain({ type, version, data }: OutgoingEvent): unknown {
  return { type, version, data: JSON.parse(encodeJson(data)) }
}

function isExpected(error: unknown, expected: string | RegExp | ((error: unknown) => boolean)): boolean {
  if (typeof expected === 'function') return expected(error)
  return typeof expected === 'string' ? textOf(error).includes(expected) : expected.test(textOf(error))
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function same(what: string, actual: unknown, expected: unknown): void {
  const [has, wants] = [canonical(actual), canonical(expected)]
  if (has !== wants) throw new Error(`${what}\n  expected ${wants}\n  got      ${has}`)
}
