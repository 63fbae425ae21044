/** Tells what was written in a transaction. */
export interface WriteProbe<Tx> {
  /**
   * Begins to watch a transaction in which nothing was written yet. It gets short time-outs, because what it does is
   * only tried; and the one returned refuses to be ended.
   */
  watch(tx: Tx): Promise<Watched<Tx>>
}

export interface Watched<Tx> {
  /** To be used in place of the one that is watched. */
  readonly tx: Tx
  /** What was sent through it, in order, without values. */
  statements(): readonly string[]
  /** Checks the constraints that wait for the commit, throws what they say, and counts the rows written by table. */
  finish(): Promise<readonly TableWrites[]>
}

export interface TableWrites {
  readonly table: string
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
}
