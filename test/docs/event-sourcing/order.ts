import { decider, streamEvent, when } from 'estafet'
import * as z from 'zod'

export const ItemAdded = streamEvent('ItemAdded', {
  version: 1,
  schema: z.object({ product_id: z.string(), quantity: z.int().positive(), price: z.string() }),
})
export const OrderConfirmed = streamEvent('OrderConfirmed', {
  version: 1,
  schema: z.object({ items: z.int() }),
})

type Command = { do: 'add'; product_id: string; quantity: number; price: string } | { do: 'confirm' }
interface State {
  readonly isOpen: boolean
  readonly items: number
}

export const Order = decider<State, Command>('order', {
  initial: { isOpen: true, items: 0 },
  decide(command, { isOpen, items }) {
    if (!isOpen) throw new Error('the order is already processed')
    if (command.do === 'add') {
      const { do: _, ...item } = command
      return ItemAdded(item)
    }
    if (items === 0) throw new Error('an empty order cannot be confirmed')
    return OrderConfirmed({ items })
  },
  evolve: [
    when(ItemAdded, (state: State) => ({ ...state, items: state.items + 1 })),
    when(OrderConfirmed, (state: State) => ({ ...state, isOpen: false })),
  ],
})
