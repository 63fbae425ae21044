import { EstafetError } from '../message/errors.ts'
import { fingerprint } from '../message/fingerprint.ts'
import { maskFaults } from '../message/mask.ts'
import type { OutgoingMessage } from '../message/message.ts'
import type { OutgoingEvent, StreamEventType } from '../message/stream-event.ts'

/** How one event changes the state. Pure: no clock, no chance, no input or output. */
export interface Fold<State> {
  readonly type: string
  readonly since: number
  readonly version: number
  /** A method, so that a fold of some state is one of unknown state, too: who has none of its states cannot call it. */
  evolve(state: State, stored: { readonly payload: string; readonly version: number }): State
  /** Fields of the event's data that the ops API hides. */
  readonly mask: readonly string[]
  /** Fields of the event's data that are about a person. */
  readonly personalFields: readonly string[]
  /** The text of the function, which names it among snapshots. */
  readonly text: string
}

/** `when(ItemAdded, (state, data) => ...)`: what an event makes of the state. */
export function when<State, Data>(
  event: StreamEventType<never, Data>,
  evolve: (state: State, data: Data) => State,
): Fold<State> {
  return {
    ...{ type: event.type, since: event.since, version: event.version, mask: event.mask, text: String(evolve) },
    personalFields: event.personalFields,
    evolve: (state, stored) => evolve(state, event.read(stored)),
  }
}

export interface DeciderOptions<State, Command> {
  readonly initial: State
  /**
   * What happens because of a command; nothing, one event or several. Throws what it refuses, and nothing is written. Pure:
   * it is called again when another command was first.
   */
  readonly decide: (command: Command, state: State) => OutgoingEvent | readonly OutgoingEvent[]
  /** For each event of the stream what it makes of the state; several of one type for several versions. */
  readonly evolve: readonly Fold<State>[]
  /** What other services hear, published with the events in one transaction. (Default: nothing.) */
  readonly translate?: (events: readonly OutgoingEvent[], id: string, state: State) => readonly OutgoingMessage[]
  /** Raise it when something that `evolve` calls has changed: snapshots of other revisions are not used. (Default: 1.) */
  readonly revision?: number
  /** After how many events a snapshot is taken; 0 for never. (Default: 100.) */
  readonly snapshotEvery?: number
  /**
   * Fields of the state that only administrators may see in the ops API, such as `customer.email`; in a list, of each item.
   * (Default: none; all of it, when one of its events has masked fields, which the state may hold under other names.)
   */
  readonly mask?: readonly string[]
}

/** A kind of thing that decides: its rules, as pure functions. */
export interface Decider<State, Command> {
  /** The type of its streams. */
  readonly type: string
  readonly initial: State
  readonly decide: (command: Command, state: State) => readonly OutgoingEvent[]
  readonly folds: ReadonlyMap<string, readonly Fold<State>[]>
  readonly translate: (events: readonly OutgoingEvent[], id: string, state: State) => readonly OutgoingMessage[]
  /** Names the functions that fold its events. */
  readonly fold: string
  readonly snapshotEvery: number
  /** Fields of the state that the ops API hides; null: all of it. */
  readonly mask: readonly string[] | null
}

/** A decider of whatever state, as far as events are folded by it. */
export type AnyDecider = Pick<Decider<unknown, never>, 'type' | 'initial' | 'folds' | 'mask'>

const typePattern = /^[A-Za-z][A-Za-z0-9._-]{0,199}$/

/** Defines a decider, `decider('order', { initial, decide, evolve })`. Throws MISCONFIGURED, with all faults at once. */
export function decider<State, Command>(
  type: string,
  options: DeciderOptions<State, Command>,
): Decider<State, Command> {
  const { initial, decide, evolve, translate = () => [], revision = 1, snapshotEvery = 100 } = options
  const folds = Map.groupBy(evolve, (fold) => fold.type)
  refuseFaults(type, folds, snapshotEvery, options.mask ?? [])
  const named = evolve.map(({ type: of, since, version, text }) => [of, since, version, text])
  return {
    ...{ type, initial, folds, translate, snapshotEvery },
    mask: options.mask ?? (evolve.some(({ mask }) => mask.length > 0) ? null : []),
    decide: (command, state) => [decide(command, state)].flat(),
    fold: fingerprint(JSON.stringify([type, revision, initial, named])),
  }
}

function refuseFaults<State>(
  type: string,
  folds: ReadonlyMap<string, readonly Fold<State>[]>,
  snapshotEvery: number,
  mask: readonly string[],
): void {
  const faults: string[] = [...maskFaults(mask)]
  if (!typePattern.test(type))
    faults.push(`the type ${JSON.stringify(type)} must be 1 to 200 of letters, digits, . _ -`)
  if (folds.size === 0) faults.push('evolve has no event')
  if (!Number.isInteger(snapshotEvery) || snapshotEvery < 0) faults.push('snapshotEvery must be a whole number from 0')
  for (const [event, all] of folds) {
    const sorted = [...all].sort((a, b) => a.since - b.since)
    const overlaps = sorted.some(({ since }, at) => since <= (sorted[at - 1]?.version ?? 0))
    if (overlaps) faults.push(`evolve has a version of ${event} twice`)
  }
  if (faults.length > 0) {
    throw new EstafetError('MISCONFIGURED', `The decider is misdefined: ${faults.join('; ')}.`)
  }
}
