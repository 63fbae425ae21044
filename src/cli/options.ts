import { usage } from './failure.ts'
import { parseSpan } from './span.ts'

/** The options that a line gave. Values were checked against the table when the line was read. */
export interface Options {
  has(name: string): boolean
  /** The last value; null when the option was not given. */
  text(name: string): string | null
  texts(name: string): readonly string[]
  /** Throws a usage failure when it is no whole number. */
  count(name: string): number | null
  /** In ms. Throws a usage failure when it is no span of time. */
  spanMs(name: string): number | null
}

export function optionsOf(given: ReadonlyMap<string, readonly string[]>): Options {
  const text = (name: string): string | null => given.get(name)?.at(-1) ?? null
  return {
    has: (name) => given.has(name),
    text,
    texts: (name) => given.get(name) ?? [],
    count(name) {
      const value = text(name)
      if (value === null) return null
      if (!/^\d{1,15}$/.test(value)) throw usage(`--${name} takes a whole number.`)
      return Number(value)
    },
    spanMs(name) {
      const value = text(name)
      return value === null ? null : parseSpan(value, name)
    },
  }
}
