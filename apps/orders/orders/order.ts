import { decider, type OutgoingEvent, when } from 'estafet'
import { ItemAdded, OrderConfirmed, OrderCreated, OrderTakenOver, OrderWithdrawn } from './events.ts'
import { isSameAmount, plus } from './money.ts'

export interface Item {
  readonly product_id: string
  readonly quantity: number
  /** Of one, decimal. */
  readonly price: string
}

export interface OrderState {
  /** `NONE`: there is no such order. `WITHDRAWN`: it was moved here, and then removed where it came from. */
  readonly status: 'NONE' | 'CREATED' | 'CONFIRMED' | 'WITHDRAWN'
  readonly customer_id: string | null
  readonly country: string | null
  readonly items: readonly Item[]
  readonly total_amount: string
  /** Who changed it last: this service, or the system that it is moved from. */
  readonly owner: 'orders' | 'monolith'
}

/** An order as the system has it that it is moved from. */
export interface TakenOver {
  readonly customer_id: string | null
  readonly status: 'CREATED' | 'CONFIRMED'
  readonly total_amount: string
  /** ISO 8601 in UTC, with microseconds. */
  readonly created_at: string
  readonly items: readonly (Item & { readonly item_id: string })[]
}

export type OrderCommand =
  | { readonly do: 'create'; readonly customer_id: string | null; readonly country: string | null }
  | ({ readonly do: 'add' } & Item)
  | { readonly do: 'confirm' }
  | { readonly do: 'take over'; readonly order: TakenOver }
  | { readonly do: 'withdraw' }

/** Why a command is not followed; nothing is written. */
export class Refused extends Error {
  readonly why: 'missing' | 'processed' | 'empty' | 'full' | 'exists' | 'owned' | 'sum'

  constructor(why: Refused['why'], message: string) {
    super(message)
    this.why = why
  }
}

/** An order is loaded as a whole, so it must not grow without end. */
const mostItems = 1_000

const none: OrderState = {
  ...{ status: 'NONE', customer_id: null, country: null, items: [], total_amount: '0', owner: 'orders' },
}

export const Order = decider<OrderState, OrderCommand>('order', {
  initial: none,
  decide(command, state) {
    if (command.do === 'take over' || command.do === 'withdraw') return follow(command, state)
    if (command.do === 'create') {
      if (state.status !== 'NONE') throw new Refused('exists', 'there is an order of this id')
      return OrderCreated({ customer_id: command.customer_id, country: command.country })
    }
    if (state.status === 'NONE' || state.status === 'WITHDRAWN') throw new Refused('missing', 'there is no such order')
    if (state.status !== 'CREATED') throw new Refused('processed', `the order is already ${state.status}`)
    if (command.do === 'add') {
      if (state.items.length >= mostItems) throw new Refused('full', `an order has at most ${mostItems} items`)
      const { product_id, quantity, price } = command
      return ItemAdded({ product_id, quantity, price })
    }
    if (state.items.length === 0) throw new Refused('empty', 'an empty order cannot be confirmed')
    return OrderConfirmed({ total_amount: state.total_amount })
  },
  evolve: [
    when(OrderCreated, (state: OrderState, { customer_id, country }) => ({
      ...{ ...state, status: 'CREATED' as const, customer_id, country },
    })),
    when(ItemAdded, (state: OrderState, item) => ({
      ...{ ...state, owner: 'orders' as const },
      items: [...state.items, item],
      total_amount: plus(state.total_amount, item),
    })),
    when(OrderConfirmed, (state: OrderState) => ({
      ...{ ...state, owner: 'orders' as const, status: 'CONFIRMED' as const },
    })),
    when(OrderTakenOver, (_: OrderState, { customer_id, status, total_amount, items }) => ({
      ...{ customer_id, status, total_amount, country: null, owner: 'monolith' as const },
      items: items.map(({ product_id, quantity, price }) => ({ product_id, quantity, price })),
    })),
    when(OrderWithdrawn, (state: OrderState) => ({
      ...{ ...state, status: 'WITHDRAWN' as const, items: [], total_amount: '0' },
    })),
  ],
})

/** What is moved here is as it is there, until somebody changes it here: from then on this service is right. */
function follow(
  command: Extract<OrderCommand, { do: 'take over' | 'withdraw' }>,
  state: OrderState,
): OutgoingEvent | readonly OutgoingEvent[] {
  if (state.status !== 'NONE' && state.owner !== 'monolith') {
    throw new Refused('owned', 'the order was made or changed in this service')
  }
  if (command.do === 'withdraw') {
    return state.status === 'NONE' || state.status === 'WITHDRAWN' ? [] : OrderWithdrawn({})
  }
  const { order } = command
  const total = order.items.reduce(plus, '0')
  if (!isSameAmount(total, order.total_amount)) throw new Refused('sum', 'its items add up to something else')
  return OrderTakenOver({ ...order, items: [...order.items] })
}
