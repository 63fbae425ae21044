import { z } from '@hono/zod-openapi'
import { isEstafetError } from 'estafet'
import { HTTPException } from 'hono/http-exception'
import type { Orders } from '../system/system.ts'

/** The answer to a command carries it; a reader who sends it back sees what he wrote. */
export const positionHeader = 'estafet-position'

const waitMs = 2_000
const newest = 2n ** 63n - 1n

export const positioned = z.object({
  [positionHeader]: z
    .string()
    .regex(/^\d{1,19}$/, 'must be a position')
    .refine((text) => !/^\d{1,19}$/.test(text) || BigInt(text) <= newest, 'must be a position')
    .optional(),
})

/** Waits until a read model shows what the reader knows of; ends the request with 202 and no data when that takes too long. */
export async function shown(
  { people }: Orders,
  projection: string,
  headers: z.infer<typeof positioned>,
  signal: AbortSignal,
): Promise<void> {
  const position = headers[positionHeader]
  if (position === undefined) return
  try {
    await people.waitFor(projection, BigInt(position), { timeoutMs: waitMs, signal })
  } catch (error) {
    if (!isEstafetError(error, 'TIMED_OUT')) throw error
    const res = new Response(null, { status: 202, headers: { 'retry-after': '1', [positionHeader]: position } })
    throw new HTTPException(202, { res })
  }
}
