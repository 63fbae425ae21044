import { createHash, randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type ExpectedVersion, isEstafetError, type MessageContext, type RecordedEvent, stateOf } from 'estafet'
import type { PostgresStreams } from 'estafet/postgres'
import { ItemAdded, OrderConfirmed, OrderCreated } from './events.ts'
import { Order, type OrderCommand, Refused } from './order.ts'
import { type OrderView, viewOf } from './order-view.ts'

/** What a person can ask for. */
export type AskedFor = Extract<OrderCommand, { do: 'create' | 'add' | 'confirm' }>

export interface CommandOptions {
  /** Null: asked again, it is done again. */
  readonly idempotencyKey: string | null
  /** The version that the caller saw; null for whatever it is. */
  readonly expected: ExpectedVersion | null
  readonly context: MessageContext
}

export interface Done {
  readonly state: 'done' | 'known'
  /** As it was right after the command. */
  readonly order: OrderView
  readonly position: bigint | null
}

/** Why nothing was written. */
export type Undone =
  | { readonly state: 'refused'; readonly why: Refused['why']; readonly reason: string }
  | { readonly state: 'stale'; readonly actual: number }
  /** The key was used for another command. */
  | { readonly state: 'conflict' }

/** The id of a new order. Under a key it follows from the key, so that asking again finds the order of the first time. */
export function newOrderId(idempotencyKey: string | null): string {
  if (idempotencyKey === null) return randomUUID()
  const hash = createHash('sha256').update(`order/${idempotencyKey}`).digest('hex')
  // A UUID of one's own making: version 8 of RFC 9562.
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}

/** Handles a command: it is done once for its key, and only over the version that the caller saw. */
export async function handle(
  streams: PostgresStreams,
  id: string,
  command: AskedFor,
  options: CommandOptions,
): Promise<Done | Undone> {
  const outcome = await tryOnce(streams, id, command, options)
  // The same command may have been done by another try, between our look for its key and our look at the order.
  const isDoubtful = outcome.state === 'refused' || outcome.state === 'stale'
  return isDoubtful && options.idempotencyKey !== null ? tryOnce(streams, id, command, options) : outcome
}

async function tryOnce(
  streams: PostgresStreams,
  id: string,
  command: AskedFor,
  { idempotencyKey, expected, context }: CommandOptions,
): Promise<Done | Undone> {
  try {
    const handled = await streams.handle(Order, id, command, {
      context,
      ...(idempotencyKey === null ? {} : { appendId: idempotencyKey }),
      ...(expected === null ? {} : { expected }),
    })
    const { version, position } = handled
    if (!handled.isRepeat) return { state: 'done', position, order: present(viewOf(id, version, handled.state)) }
    const events = await streams.events.read({ type: Order.type, id }, { after: 0, upTo: version, limit: version })
    if (!isOf(events.at(-1), command)) return { state: 'conflict' }
    return { state: 'known', position, order: present(viewOf(id, version, stateOf(Order, events))) }
  } catch (error) {
    const isRefused = error instanceof Refused
    if (!isRefused && !isEstafetError(error, 'WRONG_VERSION')) throw error
    const { version } = await streams.load(Order, id)
    // A caller who saw something else is told so first: what he asked for made sense then.
    if (version > 0 && isStale(expected, version)) return { state: 'stale', actual: version }
    if (isRefused) return { state: 'refused', why: error.why, reason: error.message }
    throw error
  }
}

function isStale(expected: ExpectedVersion | null, version: number): boolean {
  return expected === 'new' || (typeof expected === 'number' && expected !== version)
}

/** Whether an event is what the command makes. */
function isOf(event: RecordedEvent | undefined, command: AskedFor): boolean {
  if (event === undefined) return false
  if (command.do === 'confirm') return event.type === OrderConfirmed.type
  const { do: what, ...wanted } = command
  const type = what === 'create' ? OrderCreated : ItemAdded
  return event.type === type.type && isDeepStrictEqual(type.read(event), wanted)
}

function present(order: OrderView | null): OrderView {
  if (order === null) throw new Error('an order that was just handled is not there')
  return order
}
