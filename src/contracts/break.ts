/**
 * What kind of change breaks somebody.
 *
 * Of an event: removed, moved (another topic), lowered (its version), dropped (a version is read no more), rekeyed. Of its
 * fields: required (a field that older events may lack), missing (a field that readers need is gone or may be), renamed,
 * narrowed (accepts less), widened (writes more), changed (both). Of its samples: unreadable. Of a handler: behind.
 */
export type BreakKind =
  | 'removed'
  | 'moved'
  | 'lowered'
  | 'dropped'
  | 'rekeyed'
  | 'required'
  | 'missing'
  | 'renamed'
  | 'narrowed'
  | 'widened'
  | 'changed'
  | 'unreadable'
  | 'behind'

/** A change that breaks somebody, whom, and what to do instead. */
export interface Break {
  readonly kind: BreakKind
  /** Whose event it is. */
  readonly service: string
  readonly type: string
  readonly version: number | null
  readonly field: string | null
  /** stored: reading what is in logs and streams. consumers: services that run the definition of before. */
  readonly breaks: readonly ('stored' | 'consumers')[]
  /** Services that handle the type, as far as their contracts are known. */
  readonly consumers: readonly string[]
  /** A sentence. */
  readonly says: string
  /** What to do about it. */
  readonly todo: string
}
