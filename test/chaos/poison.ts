/** A message that can never be handled, or that hurts the process that tries. */
export interface Poison {
  readonly kind: string
  /** The payload's text as it is written to the log; most of these no publisher could send through the toolkit. */
  readonly payload: (order: { readonly operation: number; readonly key: string; readonly sequence: number }) => string
  /** True when it takes its process with it. */
  readonly isDeadly: boolean
}

const says =
  (more: string, trouble = 'none', note = '""') =>
  ({ operation, key, sequence }: { operation: number; key: string; sequence: number }): string =>
    `{"operation":${operation},"key":"${key}","sequence":${sequence},"trouble":"${trouble}","note":${note}${more}}`

const depth = 10_000

/**
 * Every kind that PostgreSQL lets into a log. Not among them: invalid UTF-8, which a database in UTF8 refuses at the
 * door, so that no log can hold it.
 */
export const poisons: readonly Poison[] = [
  // First, because they take longest: each costs several processes.
  { kind: 'handler aborts the process', payload: says('', 'abort'), isDeadly: true },
  { kind: 'handler blocks the event loop', payload: says('', 'block'), isDeadly: true },
  // The schema takes it and the database of the handler does not.
  { kind: 'NUL', payload: says('', 'none', '"a\\u0000b"'), isDeadly: false },
  { kind: 'lone surrogate', payload: says('', 'none', '"a\\ud800b"'), isDeadly: false },
  { kind: '10 MB', payload: (order) => says('', 'none', `"${'x'.repeat(10_000_000)}"`)(order), isDeadly: false },
  { kind: '__proto__', payload: says(',"__proto__":{"isAdmin":true}'), isDeadly: false },
  {
    kind: 'depth 10,000',
    payload: (order) => says(`,"deep":${'['.repeat(depth)}${']'.repeat(depth)}`)(order),
    isDeadly: false,
  },
  { kind: 'not the schema', payload: says(',"more":1'), isDeadly: false },
  { kind: 'handler throws', payload: says('', 'throw'), isDeadly: false },
  { kind: 'handler never ends', payload: says('', 'late'), isDeadly: false },
]
