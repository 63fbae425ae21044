import { commands } from '../messages.ts'
import { type ServiceName, serviceNames } from '../system/services.ts'
import type { FoundTrip, SaidMessage } from './services.ts'

/** A message as it is drawn: from whom to whom, and when. */
export interface DrawnMessage {
  readonly id: string
  readonly type: string
  readonly kind: 'command' | 'cancel' | 'reply' | 'event'
  readonly from: ServiceName
  /** Who did something because of it; booking, which follows every trip, where nobody else did. */
  readonly to: readonly ServiceName[]
  /** Milliseconds after the trip was asked for, by the clock of the sender's database. */
  readonly atMs: number
}

/** A trip with all that was said for it. */
export interface DrawnTrip {
  readonly tripId: string
  readonly form: FoundTrip['form']
  readonly correlationId: string
  readonly refusal: string | null
  readonly kept: string | null
  readonly states: readonly { readonly state: FoundTrip['state']; readonly atMs: number }[]
  readonly messages: readonly DrawnMessage[]
  readonly why: string | null
}

/** Draws a trip from what the logs of the services hold of it. */
export function drawn(
  trip: FoundTrip,
  correlationId: string,
  said: readonly SaidMessage[],
  why: string | null,
): DrawnTrip {
  const begun = Date.parse(trip.went[0]?.at ?? said[0]?.time ?? '')
  const { tripId, form, refusal, kept } = trip
  return {
    ...{ tripId, form, correlationId, refusal, kept, why },
    states: trip.went.map(({ state, at }) => ({ state, atMs: Date.parse(at) - begun })),
    messages: said.map(({ id, type, source, time }) => {
      const kind = kinds.get(type) ?? 'event'
      const caused = said.filter(({ causationId }) => causationId === id).map((message) => message.source)
      const to = receivers.get(type) ?? (caused.length > 0 ? caused : ['booking' as const])
      return { id, type, kind, from: source, to: [...new Set(to)], atMs: Date.parse(time) - begun }
    }),
  }
}

const kinds = new Map<string, DrawnMessage['kind']>()
/** Of what is sent to one service: commands to theirs, replies to booking, which leads. */
const receivers = new Map<string, readonly ServiceName[]>()
for (const { to, request, cancel, reply } of commands) {
  const doing = serviceNames.filter((name) => name === to)
  for (const [kind, { type }, whom] of [
    ['command', request, doing],
    ['cancel', cancel, doing],
    ['reply', reply, ['booking']],
  ] as const) {
    kinds.set(type, kind)
    receivers.set(type, whom)
  }
}
