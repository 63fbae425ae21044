import { channel } from 'node:diagnostics_channel'

/** After messages were written by `publish`, before their transaction commits. Message: `{ count: number }`. */
export const published = channel('estafet:published')
