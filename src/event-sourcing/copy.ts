import { EstafetError } from '../message/errors.ts'
import type { MessageContext } from '../message/message.ts'
import type { OutgoingEvent } from '../message/stream-event.ts'
import type { RecordedEvent } from '../ports/event-store.ts'
import type { AnyDecider, Decider } from './decider.ts'

/**
 * A stored event as a transformation sees it. It is what the `read` of a stream event takes, and can be given back as it is, or
 * with some of it replaced: `{ ...event, version: 2, data }`.
 */
export interface SourceEvent extends Omit<RecordedEvent, 'source' | 'epoch' | 'topic' | 'key'> {
  /** As it is stored, at the version at which it is stored. Frozen. */
  readonly data: unknown
  /** The id of its stream. */
  readonly streamId: string
  /** Empty; there so that an event can be given back. */
  readonly context: MessageContext
}

export interface StreamCopyOptions<Before, After> {
  /** The type of the streams that are copied. They stay as they are. */
  readonly from: string
  /** The type of the copies, another one. */
  readonly to: string
  /**
   * What takes the place of one event: itself, another one, several or none. Pure: it is called again to go on after a stop and
   * to verify. A context that it gives counts for nothing: copies have that of their event.
   */
  readonly transform: (event: SourceEvent) => OutgoingEvent | readonly OutgoingEvent[]
  /** The id of a stream's copy, another for each stream. Pure. (Default: the same id.) */
  readonly stream?: (id: string) => string
  /** Verification folds both streams by these, and compares the states. (Default: events are compared, and no states.) */
  readonly states?: {
    readonly before: Decider<Before, never>
    readonly after: Decider<After, never>
    /** (Default: the same data.) */
    readonly equal?: (before: Before, after: After) => boolean
  }
}

const brand: unique symbol = Symbol.for('estafet.stream-copy')

/** How streams of one type become streams of another, as `copyStreams` and `estafet streams copy` do it. */
export interface StreamCopy {
  readonly from: string
  readonly to: string
  readonly transform: (event: SourceEvent) => readonly OutgoingEvent[]
  readonly stream: (id: string) => string
  readonly states: StatePair | null
  readonly [brand]: true
}

/** Two ways to fold, and what must be true of what they make. */
export interface StatePair {
  readonly before: AnyDecider
  readonly after: AnyDecider
  /** A method, so that a comparison of some states is one of unknown states, too. Null: they must be the same data. */
  equal(before: unknown, after: unknown): boolean | null
}

/**
 * Defines how streams are copied into streams of another type, `streamCopy({ from: 'user', to: 'user-v2', transform })`. Throws
 * MISCONFIGURED, with all faults at once.
 */
export function streamCopy<Before, After>(options: StreamCopyOptions<Before, After>): StreamCopy {
  const { from, to, transform, stream = (id) => id, states } = options
  const faults: string[] = []
  for (const type of [from, to]) {
    if (type.length < 1 || type.length > 200)
      faults.push(`the type ${JSON.stringify(type)} must have 1 to 200 characters`)
  }
  if (from === to) faults.push('streams cannot be copied among themselves: give the copies another type')
  if (states !== undefined && states.before.type !== from) faults.push(`states.before is not the decider of ${from}`)
  if (states !== undefined && states.after.type !== to) faults.push(`states.after is not the decider of ${to}`)
  if (faults.length > 0) throw new EstafetError('MISCONFIGURED', `The copy is misdefined: ${faults.join('; ')}.`)
  return {
    ...{ from, to, stream, states: states === undefined ? null : pairOf(states) },
    transform: (event) => [transform(event)].flat(),
    [brand]: true,
  }
}

/** Tells whether a value is what `streamCopy` gives, also when another copy of the package made it. */
export function isStreamCopy(value: unknown): value is StreamCopy {
  return typeof value === 'object' && value !== null && brand in value
}

function pairOf<Before, After>(states: NonNullable<StreamCopyOptions<Before, After>['states']>): StatePair {
  const { before, after, equal = () => null } = states
  return { before, after, equal }
}
