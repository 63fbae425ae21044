import type { Item } from './answer.ts'
import { safeText } from './safe-text.ts'

/** A value that differs, by its name: what it was and what it is, a line each. */
export function changeLines(name: string, change: Item): readonly string[] {
  return [safeText(name), `  - ${valueText(change['before'])}`, `  + ${valueText(change['after'])}`]
}

function valueText(value: unknown): string {
  return value === undefined ? '(not there)' : safeText(JSON.stringify(value) ?? '')
}
