import { type Channel, channel } from 'node:diagnostics_channel'

/** After messages were written by `publish`, before their transaction commits. Payload: `{ count: number }`. */
export const published: Channel<unknown, { readonly count: number }> = channel('estafet:published')
