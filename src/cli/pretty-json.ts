import { safeLines } from './safe-text.ts'

/** JSON over several lines, safe for a terminal. */
export function prettyJson(value: unknown): string {
  return safeLines(JSON.stringify(value, null, 2) ?? '')
}
