/** A short name of a text that is equal for equal texts: FNV-1a of 64 bits, in 16 hexadecimal digits. No secret is safe in it. */
export function fingerprint(text: string): string {
  let value = 0xcbf29ce484222325n
  for (let at = 0; at < text.length; at++) {
    value = BigInt.asUintN(64, (value ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n)
  }
  return value.toString(16).padStart(16, '0')
}
