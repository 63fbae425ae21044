/**
 * Runs work in one transaction of a service's own database. `Tx` is the driver's own type, so a transaction of
 * another driver does not compile.
 */
export interface UnitOfWork<Tx> {
  /**
   * Begins, runs the work, commits when it resolves and rolls back when it rejects; then resolves or rejects alike.
   *
   * Statements that the work sent and did not await are part of the transaction: a failed one makes the commit fail.
   * Throws CONFLICT when the database chose this transaction as a victim or a statement failed unnoticed (nothing was
   * written), UNAVAILABLE when the connection is lost: before COMMIT nothing was written, during it the outcome is
   * unknown, and the caller finds out by reading what it would have written.
   */
  run<Result>(work: (tx: Tx) => Promise<Result>): Promise<Result>
}
