import { event } from 'estafet'
import * as z from 'zod'

/** Published by `orders` for each committed operation. `trouble` is what the handler is to do instead of its work. */
export const Placed = event('order.placed', {
  version: 1,
  schema: z.strictObject({
    operation: z.number().int(),
    key: z.string().max(100),
    /** Counts the committed operations of the key from 1: a row lock of the business makes it so. */
    sequence: z.number().int(),
    trouble: z.enum(['none', 'throw', 'abort', 'block', 'late']),
    note: z
      .string()
      .max(1000)
      .refine((text) => text.isWellFormed()),
  }),
  key: ({ key }) => key,
})

/** Published by `billing` for each order that it handled. */
export const Billed = event('bill.made', {
  version: 1,
  schema: z.strictObject({ operation: z.number().int(), key: z.string(), sequence: z.number().int() }),
  key: ({ key }) => key,
})
