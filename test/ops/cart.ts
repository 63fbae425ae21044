import { decider, streamEvent, when } from 'estafet'
import * as z from 'zod'

export const ItemPut = streamEvent('ItemPut', {
  version: 1,
  schema: z.object({ product: z.string(), price: z.number() }),
})
export const BuyerNamed = streamEvent('BuyerNamed', {
  ...{ version: 1, mask: ['email'] },
  schema: z.object({ email: z.string() }),
})
export const PriceSet = streamEvent('PriceSet', {
  version: 1,
  schema: z.object({ at: z.int(), price: z.number() }),
})

export interface CartState {
  readonly items: readonly { readonly product: string; readonly price: number }[]
  readonly buyer: { readonly email: string } | null
}
type CartEvent = ReturnType<typeof ItemPut> | ReturnType<typeof BuyerNamed> | ReturnType<typeof PriceSet>

/** A cart, whose commands are its events; what it knows of its buyer is for administrators. */
export const Cart = decider<CartState, readonly CartEvent[]>('cart', {
  initial: { items: [], buyer: null },
  mask: ['buyer'],
  decide: (events) => events,
  evolve: [
    when(ItemPut, (state: CartState, item) => ({ ...state, items: [...state.items, item] })),
    when(BuyerNamed, (state: CartState, buyer) => ({ ...state, buyer })),
    when(PriceSet, (state: CartState, { at, price }) => ({
      ...state,
      items: state.items.map((item, place) => (place === at ? { ...item, price } : item)),
    })),
  ],
})

/** Says nothing of what of its state is to be hidden, and has events that are hidden in part. */
export const Note = decider<{ readonly copied: string }, readonly CartEvent[]>('note', {
  initial: { copied: '' },
  decide: (events) => events,
  evolve: [when(BuyerNamed, (_: { readonly copied: string }, { email }) => ({ copied: email }))],
})

/** A type of streams that the ops API is told nothing of. */
export const Strange = decider<null, readonly CartEvent[]>('strange', {
  ...{ initial: null, decide: (events) => events },
  evolve: [when(ItemPut, () => null)],
})
