/** One place in which two pieces of data differ. What is not there on one side is undefined. */
export interface PlacedDifference {
  /** Names of fields and numbers of items, from the outside; empty for the whole. */
  readonly path: readonly string[]
  readonly before: unknown
  readonly after: unknown
}

/** Where two pieces of data differ, each as deep as can be said; items of lists are compared by their place. */
export function placedDifferences(
  before: unknown,
  after: unknown,
  path: readonly string[] = [],
): readonly PlacedDifference[] {
  if (Object.is(before, after)) return []
  const [old, now] = [fieldsOf(before), fieldsOf(after)]
  if (old === null || now === null || Array.isArray(before) !== Array.isArray(after)) return [{ path, before, after }]
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((name) =>
    placedDifferences(old.get(name), now.get(name), [...path, name]),
  )
}

function fieldsOf(data: unknown): ReadonlyMap<string, unknown> | null {
  return typeof data === 'object' && data !== null ? new Map(Object.entries(data)) : null
}
