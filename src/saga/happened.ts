import { EstafetError } from '../message/errors.ts'
import type { EventType } from '../message/event.ts'
import { fingerprint } from '../message/fingerprint.ts'
import type { ReceivedMessage, StoredMessage } from '../message/message.ts'
import { eventPrefix, type Journal, type JournalStep } from './journal.ts'
import { encoded, type SagaDefinition } from './saga.ts'
import type { Happened } from './steps.ts'

interface KeptEvent {
  readonly outcome: 'happened'
  readonly message: Omit<StoredMessage, 'position'> & { readonly position: string }
}

/** What a wait comes to that nothing happened for. */
export const timedOut = encoded({ outcome: 'timed-out' })

/** Puts an event that came into the journal, for whoever waits for it; once. Known by its source and id: two sources may use one id. */
export function keepEvent(journal: Journal, message: StoredMessage): void {
  for (let place = 1; ; place++) {
    const name = nameOf(message.id, place)
    const known = journal.get(name)
    if (known === undefined) {
      const kept: KeptEvent = { outcome: 'happened', message: { ...message, position: message.position.toString() } }
      const step = { name, kind: 'event', state: 'kept', value: encoded(kept) } as const
      journal.begin({ ...step, request: encoded({ type: message.type }) }, null)
      return
    }
    const other = messageOf(known.value ?? timedOut)
    if (other?.source === message.source && other.id === message.id) return
  }
}

const longestId = 150

/** Each of those to which the same text is given has a place of its own. An id that came from elsewhere may be too long for a name. */
function nameOf(id: string, place: number): string {
  const text = id.length <= longestId ? id : fingerprint(id)
  return `${eventPrefix}${text}${place === 1 ? '' : ` ${place}`}`
}

/** Takes the first event of a type that nobody took yet. Null: there is none. */
export function takeEvent<Data>(
  journal: Journal,
  event: EventType<never, Data>,
  where: (received: ReceivedMessage<Data>) => boolean,
): string | null {
  for (const step of journal.all()) {
    if (step.kind !== 'event' || step.state !== 'kept' || step.value === null) continue
    const message = messageOf(step.value)
    if (message?.type !== event.type || !where(event.receive(message))) continue
    journal.change(step.name, { state: 'done' }, null)
    return step.value
  }
  return null
}

/** What a wait came to. */
export function happened<Data>(event: EventType<never, Data>, value: string): Happened<Data> {
  const message = messageOf(value)
  return message === null ? { outcome: 'timed-out' } : { outcome: 'happened', data: event.receive(message).data }
}

/** The type of the event that a step is, or waits for; for people. */
export function eventType({ request }: Pick<JournalStep, 'request'>): string | null {
  const kept: { readonly type?: string } = JSON.parse(request ?? '{}')
  return kept.type ?? null
}

/** Throws MISCONFIGURED for an event that would not be heard. */
export function refuseUnawaited<Tx>({ type, awaits }: SagaDefinition<Tx>, event: { readonly type: string }): void {
  if (awaits.some((each) => each.event.type === event.type)) return
  throw new EstafetError(
    'MISCONFIGURED',
    `The saga ${type} waits for ${event.type}, which is not for it: say in awaits which saga one is for.`,
  )
}

function messageOf(value: string): StoredMessage | null {
  const kept: KeptEvent | { readonly outcome: 'timed-out' } = JSON.parse(value)
  return kept.outcome === 'happened' ? { ...kept.message, position: BigInt(kept.message.position) } : null
}
