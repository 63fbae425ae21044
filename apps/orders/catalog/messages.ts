import { event } from 'estafet'
import * as z from 'zod'

const key = ({ id }: { readonly id: string }): string => id

/** How a product is now; without a price it is not sold any more. */
export const ProductChanged = event('product.changed', {
  version: 1,
  schema: z.object({ id: z.string(), name: z.string(), price: z.string().nullable() }),
  key,
})
export const ProductRemoved = event('product.removed', { version: 1, schema: z.object({ id: z.string() }), key })
