const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/**
 * Returns the W3C traceparent header if it is valid, else null: an invalid one is dropped, never an error.
 *
 * @source W3C Trace Context, 3.2 (version ff, all-zero ids, and a version 00 with more than four parts are invalid)
 */
export function validTraceparent(header: string | null | undefined): string | null {
  const parts = pattern.exec(header ?? '')
  if (parts === null) return null
  const [whole, version, traceId, parentId, , more] = parts
  if (version === 'ff' || (version === '00' && more !== undefined)) return null
  if (/^0+$/.test(traceId ?? '') || /^0+$/.test(parentId ?? '')) return null
  return whole
}
