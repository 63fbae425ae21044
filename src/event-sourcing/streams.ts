import { EstafetError, isEstafetError } from '../message/errors.ts'
import type { MessageContext } from '../message/message.ts'
import type { OutgoingEvent } from '../message/stream-event.ts'
import { sealed } from '../personal/seal.ts'
import type { Appended, EncodedEvent, EventStore, ExpectedVersion } from '../ports/event-store.ts'
import type { Prepare } from '../ports/outbox.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'
import type { Decider } from './decider.ts'
import { foldEvents } from './fold.ts'
import { keepSnapshot, type Loaded, type LoadParts, load } from './load.ts'

export interface StreamsParts<Tx> extends LoadParts<Tx> {
  readonly events: EventStore<Tx>
  /** True when an append does more than that, and so cannot travel with its commit. (Default: false.) */
  readonly hasInline?: boolean
  readonly unitOfWork: UnitOfWork<Tx>
  /** Encodes messages now, and returns what publishes them. */
  readonly prepare: Prepare<Tx>
  /** Encodes events now. */
  readonly encode: (events: readonly OutgoingEvent[]) => readonly EncodedEvent[]
  /** Throws TOO_LARGE for events that sealing made so. */
  readonly refuseTooLarge: (events: readonly EncodedEvent[]) => void
}

export interface HandleOptions<Tx> {
  /**
   * Names this command, the same each time it is tried: handled before, it does nothing and returns what it did then.
   * (Default: none, and a command whose answer was lost may be handled twice.)
   */
  readonly appendId?: string
  /** What the stream must be like, such as the version that a person saw. (Default: as it was loaded.) */
  readonly expected?: ExpectedVersion
  /** Joins a transaction of yours, in which nothing is tried again: it commits, or not, with your own writes. */
  readonly tx?: Tx
  /** Travels with the events and what is published with them. */
  readonly context?: MessageContext
  /** How often a command is decided again when another one was first. (Default: 10.) */
  readonly retries?: number
}

export interface Handled<State> {
  readonly state: State
  /** Of the stream after it. */
  readonly version: number
  /** Of its last event: what `waitFor` of a projection takes. Null when nothing happened. */
  readonly position: bigint | null
  readonly events: readonly OutgoingEvent[]
  /** True when the command had been handled before, under its append id. */
  readonly isRepeat: boolean
}

/** Loads and decides; every change is one transaction. */
export interface Streams<Tx> {
  load<State, Command>(of: Decider<State, Command>, id: string): Promise<Loaded<State>>
  /**
   * Loads, decides, appends, and publishes what is translated, in one transaction; decides again when another command was
   * first. Throws what the decider refuses, and then nothing is written.
   *
   * Throws WRONG_VERSION when others are first again and again, or the stream is not as `expected`; UNAVAILABLE when the
   * outcome is unknown: with an append id, try again.
   */
  handle<State, Command>(
    of: Decider<State, Command>,
    id: string,
    command: Command,
    options?: HandleOptions<Tx>,
  ): Promise<Handled<State>>
  /** Resolves once the snapshots that were begun are kept. */
  settled(): Promise<void>
}

/** Event-sourced things of a service's own database. */
export function streams<Tx>(parts: StreamsParts<Tx>): Streams<Tx> {
  const keeping = new Set<Promise<void>>()

  function keep<State, Command>(of: Decider<State, Command>, id: string, loaded: Loaded<State>): void {
    const done = keepSnapshot(parts, of, id, loaded).finally(() => keeping.delete(done))
    keeping.add(done)
  }

  /** Does it in a transaction; what it returns writes the rest, together with its commit. */
  async function decideIn<State, Command>(
    tx: Tx,
    of: Decider<State, Command>,
    id: string,
    command: Command,
    options: HandleOptions<Tx>,
  ): Promise<{ readonly before: Loaded<State>; readonly write: Write<State> }> {
    const { appendId = null, context = {} } = options
    const stream = { type: of.type, id }
    const before = await load(parts, of, id, tx)
    // After loading: whoever sees the events of another try sees its append id, too, and is not refused for them.
    const known = appendId === null ? null : await parts.events.appended(tx, stream, appendId)
    if (known !== null) {
      const now = known.version > before.version ? await load(parts, of, id, tx) : before
      return { before: now, write: () => Promise.resolve(repeat(now, known)) }
    }
    const events = of
      .decide(command, before.state)
      .map((event) => ({ ...event, context: { ...context, ...event.context } }))
    if (events.length === 0) return { before, write: () => Promise.resolve(nothing(before)) }
    const clear = parts.encode(events)
    const state = foldEvents(of, before.state, clear)
    const encoded = await sealedEvents(parts, events, clear)
    const messages = of.translate(events, id, state).map((message) => ({
      ...message,
      context: { ...context, causationId: encoded.at(-1)?.id, ...message.context },
    }))
    const publish = await parts.prepare(messages)
    const expected = options.expected ?? before.version
    return {
      before,
      async write() {
        // All sent before the first answer, so that they travel with the commit; all awaited, so that none is left on its way.
        const [appended, published] = await Promise.allSettled([
          // The commit is under way with it: another try that was first must be an error there, or this one publishes again.
          parts.events.append(tx, [{ stream, expected, events: encoded, appendId }], { refusesRepeats: true }),
          publish(tx),
        ])
        if (appended.status === 'rejected') throw appended.reason
        if (published.status === 'rejected') throw published.reason
        const [done] = appended.value
        return { state, events, isRepeat: false, version: done?.version ?? 0, position: done?.position ?? null }
      },
    }
  }

  async function once<State, Command>(
    of: Decider<State, Command>,
    id: string,
    command: Command,
    options: HandleOptions<Tx>,
  ): Promise<Handled<State>> {
    let handled: Handled<State> | null = null
    let write: Write<State> | null = null
    const before = await parts.unitOfWork.run(
      async (tx) => {
        const decided = await decideIn(tx, of, id, command, options)
        if (parts.hasInline === true) handled = await decided.write()
        else write = decided.write
        return decided.before
      },
      async () => {
        handled ??= (await write?.()) ?? null
      },
    )
    if (handled === null) throw new EstafetError('UNAVAILABLE', 'The transaction ended without its last statements.')
    keep(of, id, before)
    return handled
  }

  return {
    async load(of, id) {
      const loaded = await load(parts, of, id)
      keep(of, id, loaded)
      return loaded
    },

    async handle(of, id, command, options = {}) {
      if (options.tx !== undefined) {
        const { write } = await decideIn(options.tx, of, id, command, options)
        return write()
      }
      for (let left = options.retries ?? 10; ; left--) {
        try {
          return await once(of, id, command, options)
        } catch (error) {
          const isLate = isEstafetError(error, 'WRONG_VERSION') || isEstafetError(error, 'CONFLICT')
          // What a person expected does not become true by waiting.
          if (!isLate || left <= 0 || options.expected !== undefined) throw error
        }
      }
    },

    async settled() {
      await Promise.all(keeping)
    },
  }
}

type Write<State> = () => Promise<Handled<State>>

/** As they are stored: the state is folded from them before that. */
async function sealedEvents<Tx>(
  { vault, refuseTooLarge }: StreamsParts<Tx>,
  events: readonly OutgoingEvent[],
  clear: readonly EncodedEvent[],
): Promise<readonly EncodedEvent[]> {
  if (events.every(({ personal }) => personal === undefined)) return clear
  const encoded = await sealed(
    vault,
    clear,
    events.map(({ personal }) => personal ?? null),
  )
  refuseTooLarge(encoded)
  return encoded
}

function nothing<State>({ state, version }: Loaded<State>): Handled<State> {
  return { state, version, position: null, events: [], isRepeat: false }
}

/** What was handled before: the stream as it is now, and the position that its command reached. */
function repeat<State>({ state }: Loaded<State>, known: Appended): Handled<State> {
  return { state, version: known.version, position: known.position, events: [], isRepeat: true }
}
