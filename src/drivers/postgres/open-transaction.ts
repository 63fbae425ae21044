import type { Sql } from './sql.ts'

const begun = new WeakSet<Sql>()

/** Notes that BEGIN was sent on a client of ours, for as long as `work` lasts. */
export async function duringTransaction<Result>(client: Sql, work: () => Promise<Result>): Promise<Result> {
  begun.add(client)
  try {
    return await work()
  } finally {
    begun.delete(client)
  }
}

/**
 * Tells whether a client is known to be in a transaction. False when it is not, and when nobody can tell from here: a
 * client that keeps no status, or that pipelines a BEGIN whose answer has not come.
 */
export function isInTransaction(client: Sql): boolean {
  if (begun.has(client)) return true
  if (!('getTransactionStatus' in client) || typeof client.getTransactionStatus !== 'function') return false
  const status: unknown = client.getTransactionStatus()
  return status === 'T' || status === 'E'
}
