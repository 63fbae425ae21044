/** One field that differs. What is not there on one side is undefined, which JSON leaves out. */
export interface Difference {
  /** Such as `lines.0.price`; `(root)` for the whole. */
  readonly field: string
  readonly before: unknown
  readonly after: unknown
}

/** Fields in which two pieces of data differ, each as deep as can be said. */
export function differences(before: unknown, after: unknown, path = ''): readonly Difference[] {
  if (Object.is(before, after)) return []
  const [old, now] = [fieldsOf(before), fieldsOf(after)]
  if (old === null || now === null || Array.isArray(before) !== Array.isArray(after)) {
    return [{ field: path === '' ? '(root)' : path, before, after }]
  }
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((name) =>
    differences(old.get(name), now.get(name), path === '' ? name : `${path}.${name}`),
  )
}

function fieldsOf(data: unknown): ReadonlyMap<string, unknown> | null {
  return typeof data === 'object' && data !== null ? new Map(Object.entries(data)) : null
}
