import { decider, streamEvent, when } from 'estafet'
import type { PostgresStore, PostgresStreams } from 'estafet/postgres'
import * as z from 'zod'

const ItemsAdded = streamEvent('ItemsAdded', { version: 1, schema: z.object({ products: z.array(z.string()) }) })
const CartReplaced = streamEvent('CartReplaced', { version: 1, schema: z.object({ by: z.string() }) })

type CartCommand = { do: 'add'; products: string[] } | { do: 'replace'; by: string }
interface CartState {
  readonly products: readonly string[]
  readonly replacedBy: string | null
}

/** The old kind of stream: one event for many products. */
export const Cart = decider<CartState, CartCommand>('cart', {
  initial: { products: [], replacedBy: null },
  decide(command, { replacedBy }) {
    if (replacedBy !== null) throw new Error(`this cart is ${replacedBy} now`)
    return command.do === 'add' ? ItemsAdded({ products: command.products }) : CartReplaced({ by: command.by })
  },
  evolve: [
    when(ItemsAdded, (state: CartState, { products }) => ({ ...state, products: [...state.products, ...products] })),
    when(CartReplaced, (state: CartState, { by }) => ({ ...state, replacedBy: by })),
  ],
})

const ProductAdded = streamEvent('ProductAdded', { version: 1, schema: z.object({ product: z.string() }) })

/** The new kind: one event for each. */
export const Basket = decider<readonly string[], readonly string[]>('basket', {
  initial: [],
  decide: (products) => products.map((product) => ProductAdded({ product })),
  evolve: [when(ProductAdded, (state: readonly string[], { product }) => [...state, product])],
})

/** Copies one cart and closes it, both or neither; what was replaced before stays as it is. */
export async function replaceCart(store: PostgresStore, streams: PostgresStreams, id: string): Promise<void> {
  const { state, version } = await streams.load(Cart, id)
  if (state.replacedBy !== null) return
  await store.transaction(async (tx) => {
    await streams.handle(Basket, id, state.products, { tx, expected: 'new' })
    // Whoever added something meanwhile was first: WRONG_VERSION, nothing is written, and it is copied anew.
    await streams.handle(Cart, id, { do: 'replace', by: `basket/${id}` }, { tx, expected: version })
  })
}
