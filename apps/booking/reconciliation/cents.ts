/** Hundredths of a decimal text with up to two places. */
export function centsOf(text: string): bigint {
  const read = /^(-?)(\d+)(?:\.(\d{1,2}))?$/.exec(text)
  if (read === null) throw new Error(`${JSON.stringify(text)} is no amount`)
  const [, sign = '', whole = '', places = ''] = read
  const cents = BigInt(whole) * 100n + BigInt(places.padEnd(2, '0'))
  return sign === '-' ? -cents : cents
}

/** As a decimal with two places. */
export function decimalOf(cents: bigint): string {
  const size = cents < 0n ? -cents : cents
  return `${cents < 0n ? '-' : ''}${size / 100n}.${String(size % 100n).padStart(2, '0')}`
}
