import { createHmac } from 'node:crypto'

/**
 * What tells one content from another under the same request id. Keyed, so that rows with the same content do not show it;
 * `/audit` leaves it out.
 */
export function contentMark(data: unknown, requestId: string): string {
  const given = JSON.stringify(data) ?? ''
  return createHmac('sha256', requestId).update(given).digest('hex').slice(0, 16)
}
