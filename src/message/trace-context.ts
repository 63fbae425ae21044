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

const key = /[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13}/
const value = /[ -+\--<>-~]{0,255}[!-+\--<>-~]/
const member = new RegExp(`^(?:${key.source})=${value.source}$`)

/**
 * Returns the members of a W3C tracestate header, in their order, if all of them are valid, else null: an invalid one is
 * dropped, never an error.
 *
 * @source W3C Trace Context, 3.3 (32 members at most, empty ones and white space around them do not count)
 */
export function validTracestate(header: string | null | undefined): string | null {
  const members = (header ?? '').split(',').map((each) => each.replace(/^[ \t]+|[ \t]+$/g, ''))
  const given = members.filter((each) => each !== '')
  return given.length > 0 && given.length <= 32 && given.every((each) => member.test(each)) ? given.join(',') : null
}
