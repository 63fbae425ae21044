/**
 * Formats a UUID version 7 from a time in ms and 10 random bytes, so that ids sort by time.
 *
 * @source RFC 9562, 5.7
 */
export function uuidV7(nowMs: number, random: Uint8Array): string {
  const bytes = new Uint8Array(16)
  let rest = Math.floor(nowMs)
  for (let at = 5; at >= 0; at--) {
    bytes[at] = rest % 256
    rest = Math.floor(rest / 256)
  }
  bytes.set(random.subarray(0, 10), 6)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  let text = ''
  for (const byte of bytes) text += hex[byte]
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`
}

const hex = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, '0'))
