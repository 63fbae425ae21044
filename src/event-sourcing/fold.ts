import { EstafetError } from '../message/errors.ts'
import type { Decider } from './decider.ts'

/** What of a stored event a fold needs. */
export interface FoldedEvent {
  readonly type: string
  readonly version: number
  readonly payload: string
}

/**
 * The state after events, in order. Throws UNDECODABLE for an event, or a version of it, that the decider does not know: a
 * state that leaves something out is wrong, and nobody would see it.
 */
export function foldEvents<State, Command>(
  of: Pick<Decider<State, Command>, 'type' | 'folds'>,
  from: State,
  events: readonly FoldedEvent[],
): State {
  let state = from
  for (const event of events) {
    const all = of.folds.get(event.type)
    if (all === undefined) throw unknown(of.type, event.type)
    const fold = all.find(({ since, version }) => event.version >= since && event.version <= version) ?? all.at(-1)
    // The last one says of a version that none of them reads what is wrong with it.
    if (fold !== undefined) state = fold.evolve(state, event)
  }
  return state
}

function unknown(stream: string, type: string): EstafetError {
  return new EstafetError(
    'UNDECODABLE',
    `A stream of ${stream} has the event ${type}, for which its decider has no evolve: add when(${type}, ...).`,
    { details: { stream, type } },
  )
}
