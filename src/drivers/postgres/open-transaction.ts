import type { Sql, Statement } from './sql.ts'

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

/** Clients that published in the transaction they are in. */
const published = new WeakSet<Sql>()

/** Notes that messages were published on a client, for whoever sees its commit. */
export function notePublished(client: Sql): void {
  published.add(client)
}

/** Tells whether messages were published on a client since the last call. */
export function takePublished(client: Sql): boolean {
  return published.delete(client)
}

/** Tells whether a client sends a statement before the answer to the last one has come, as `pg` does when told to. */
export function isPipelining(client: Sql): boolean {
  return 'pipeline' in client && client.pipeline === true
}

/**
 * Waits for a statement's answer, unless the client pipelines: then it travels with the next statement, and its failure
 * shows there.
 */
export async function sendAhead(client: Sql, answer: Promise<unknown>): Promise<void> {
  if (isPipelining(client)) answer.catch(() => {})
  else await answer
}

/** Marks the transaction that a client is in; outside of one it does nothing, which is how the functions tell. */
export const markTransaction: Statement = {
  name: 'estafet-mark-transaction',
  text: `SELECT set_config('estafet.transaction', 'open', true)`,
  values: [],
}
