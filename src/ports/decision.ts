/** Who decided something, and why. Becomes a row of the audit, in the transaction of what was decided. */
export interface Decision {
  readonly who: string
  readonly reason: string | null
  /** Asking again with the same is asking once. */
  readonly requestId: string
}

/**
 * What came of a decision.
 *
 * `done`: now. `repeated`: the request was made before; `count` is what was done then. `reused`: the request id belongs
 * to another request. `changed`: what was chosen is not what the person saw; `count` is what there is. `missing`: there
 * is no such thing, or not any more. `parked`: keys are parked that it would overtake. Only with `done` was anything written.
 */
export interface Decided {
  readonly outcome: 'done' | 'repeated' | 'reused' | 'changed' | 'missing' | 'parked'
  readonly count: number
}
