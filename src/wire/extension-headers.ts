import type { Attributes } from './attributes.ts'

/** Attributes that a message has a field for, or that say only how it was written. */
const placed = new Set([
  ...['specversion', 'id', 'source', 'type', 'time', 'datacontenttype', 'partitionkey', 'traceparent', 'tracestate'],
  ...['eventversion', 'correlationid', 'causationid', 'epoch', 'position', 'previous', 'headers'],
])

/**
 * What somebody else's event says in attributes that a message has no field for, such as `dataschema` or `tenant`, as
 * headers: `ce-tenant`. A subject that is not the key is one of them.
 */
export function extensionHeaders(attributes: Attributes, key: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(attributes)
      .filter(([name, value]) => !placed.has(name) && !(name === 'subject' && value === key))
      .map(([name, value]) => [`ce-${name}`, value]),
  )
}
