import { usage } from './failure.ts'

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Reads a span of time such as `500ms`, `30s`, `5m`, `2h` or `1d`, in ms. */
export function parseSpan(text: string, option: string): number {
  const [, amount = '', unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? []
  const unitMs = units[unit]
  if (unitMs === undefined) throw usage(`--${option} takes a span of time such as 500ms, 30s, 5m or 2h.`)
  return Number(amount) * unitMs
}

/** Says a span of time in at most two units. */
export function sayMs(spanMs: number): string {
  const whole = Math.max(0, Math.round(spanMs))
  if (whole < 1000) return `${whole} ms`
  const parts = [
    { unit: 'd', amount: Math.floor(whole / 86_400_000) },
    { unit: 'h', amount: Math.floor(whole / 3_600_000) % 24 },
    { unit: 'min', amount: Math.floor(whole / 60_000) % 60 },
    { unit: 's', amount: Math.floor(whole / 1000) % 60 },
  ]
  const first = parts.findIndex(({ amount }) => amount > 0)
  return parts
    .slice(first, first + 2)
    .filter(({ amount }) => amount > 0)
    .map(({ amount, unit }) => `${amount} ${unit}`)
    .join(' ')
}
