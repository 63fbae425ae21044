import { isObject, ordered } from './json-schema.ts'

const width = 120

/**
 * JSON text that is always the same for equal values: names in order, lists of plain values on one line where they fit, so
 * that a change is a change of few lines.
 */
export function jsonText(value: unknown): string {
  return `${printed(ordered(value), '', 0)}\n`
}

/** `taken` is what stands on the line before it, beside the indent. */
function printed(value: unknown, indent: string, taken: number): string {
  const inner = `${indent}  `
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value
    const line = `[${items.map((item) => JSON.stringify(item)).join(', ')}]`
    // A comma may follow.
    const fits = indent.length + taken + line.length + 1 <= width
    if (items.length === 0 || (fits && items.every((item) => typeof item !== 'object' || item === null))) return line
    return `[\n${items.map((item) => `${inner}${printed(item, inner, 0)}`).join(',\n')}\n${indent}]`
  }
  if (!isObject(value)) return JSON.stringify(value)
  const lines = Object.entries(value).map(([name, each]) => {
    const head = `${JSON.stringify(name)}: `
    return `${inner}${head}${printed(each, inner, head.length)}`
  })
  return lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n${indent}}`
}
