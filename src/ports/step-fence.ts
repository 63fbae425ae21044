/**
 * What became of the steps that others asked a service for, in its own database: so that what is asked twice is done once, and
 * what was taken back before it came is not done at all.
 *
 * @source correctness.md R6.4; the fence of Seata's TCC
 */
export interface StepFence<Tx> {
  /** Takes a step as part of `tx`, and tells what became of it. Another transaction that takes it waits until `tx` has ended. */
  take(tx: Tx, step: string): Promise<FencedStep>

  /** Keeps what became of a step that `tx` has taken. */
  settle(tx: Tx, step: string, state: SettledState, answer: string): Promise<void>

  /** Forgets steps that nobody asked about for so many days: asked again after that, one counts as new. */
  forget(tx: Tx, days: number): Promise<void>
}

export type SettledState = 'done' | 'refused' | 'cancelled'

export interface FencedStep {
  readonly state: 'new' | SettledState
  /** JSON text, as it was settled; null for a new one. */
  readonly answer: string | null
}
