/**
 * Runs work in one transaction of a service's own database. `Tx` is the driver's own type, so a transaction of
 * another driver does not compile.
 */
export interface UnitOfWork<Tx> {
  /**
   * Begins, runs the work, commits when it resolves and rolls back when it rejects; then resolves or rejects alike.
   *
   * `last` is for statements that nothing but the commit waits for, such as publishing: it runs after the work and, where
   * the driver can, its statements travel with COMMIT, so that the locks they take are held as briefly as can be. Its
   * rejection rolls everything back and is what `run` rejects with. It must send its statements before it first awaits.
   *
   * Throws CONFLICT when the database chose this transaction as a victim or a statement failed unnoticed (nothing was
   * written), UNAVAILABLE when the connection is lost: before COMMIT nothing was written, during it the outcome is
   * unknown, and the caller finds out by reading what it would have written.
   */
  run<Result>(work: (tx: Tx) => Promise<Result>, last?: (tx: Tx) => Promise<unknown>): Promise<Result>
}
