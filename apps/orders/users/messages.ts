import { event } from 'estafet'
import * as z from 'zod'

const key = ({ id }: { readonly id: string }): string => id

/** How somebody is now, for services that show him. His password stays where it is. */
export const UserChanged = event('user.changed', {
  version: 1,
  schema: z.object({ id: z.string(), email: z.string(), name: z.string().nullable() }),
  key,
  mask: ['email', 'name'],
})
export const UserRemoved = event('user.removed', { version: 1, schema: z.object({ id: z.string() }), key })
