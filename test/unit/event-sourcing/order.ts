import { decider, streamEvent, when } from 'estafet'
import * as z from 'zod'

/** The order of a shop: what its users know it by. Money is decimal text; prices here are whole tenths. */
export const ItemAdded = streamEvent('ItemAdded', {
  version: 1,
  schema: z.object({ product_id: z.string(), quantity: z.int().positive(), price: z.string() }),
})
export const OrderConfirmed = streamEvent('OrderConfirmed', {
  version: 1,
  schema: z.object({ total_amount: z.string() }),
})

export interface OrderState {
  readonly status: 'CREATED' | 'CONFIRMED'
  readonly items: number
  /** In tenths. */
  readonly total: number
}

export type OrderCommand =
  | { readonly do: 'add'; readonly product_id: string; readonly quantity: number; readonly price: string }
  | { readonly do: 'confirm' }

export class Refused extends Error {}

const created: OrderState = { status: 'CREATED', items: 0, total: 0 }

export const Order = decider<OrderState, OrderCommand>('order', {
  initial: created,
  decide(command, { status, items, total }) {
    if (status !== 'CREATED') throw new Refused('the order is already processed')
    if (command.do === 'add') {
      const { product_id, quantity, price } = command
      return ItemAdded({ product_id, quantity, price })
    }
    if (items === 0) throw new Refused('an empty order cannot be confirmed')
    return OrderConfirmed({ total_amount: (total / 10).toFixed(1) })
  },
  evolve: [
    when(ItemAdded, (state: OrderState, { quantity, price }) => ({
      ...state,
      items: state.items + 1,
      total: state.total + quantity * Math.round(Number(price) * 10),
    })),
    when(OrderConfirmed, (state: OrderState) => ({ ...state, status: 'CONFIRMED' as const })),
  ],
  snapshotEvery: 5,
})

export const add = (product_id: string, quantity: number, price: string): OrderCommand => ({
  ...{ do: 'add', product_id, quantity, price },
})
export const confirm: OrderCommand = { do: 'confirm' }
