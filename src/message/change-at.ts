export type Change = (value: unknown, beside: unknown) => unknown

/** Changes what stands at a path, if anything does; `beside` is walked along. */
export function changeAt(data: unknown, beside: unknown, [field, ...rest]: readonly string[], change: Change): unknown {
  if (field === undefined) return change(data, beside)
  if (Array.isArray(data)) {
    return data.map((item, at) =>
      changeAt(item, Array.isArray(beside) ? beside[at] : undefined, [field, ...rest], change),
    )
  }
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, field)) return data
  const inner = changeAt(ownField(data, field), ownField(beside, field), rest, change)
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, name === field ? inner : value]))
}

/** A field of its own; undefined where there is none. */
export function ownField(data: unknown, field: string): unknown {
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, field)) return undefined
  const value: unknown = Reflect.get(data, field)
  return value
}
