import { createHash } from 'node:crypto'
import type { Inbox, SentId } from '../../ports/inbox.ts'
import type { UnitOfWork } from '../../ports/unit-of-work.ts'
import { nowMs, whole } from './statements.ts'
import type { SqliteTransaction } from './transaction.ts'

/** Ids of messages from others, in the table of migration 0003. */
export function sqliteInbox(unitOfWork: UnitOfWork<SqliteTransaction>): Inbox<SqliteTransaction> {
  return {
    async take(tx, subscription, ids) {
      const places = new Map<string, string>()
      for (const { id, place } of ids) if (!places.has(id)) places.set(id, takenAt(tx, subscription, { id, place }))
      return ids.filter(({ id, place }) => places.get(id) === place)
    },

    async forget(subscription, days) {
      await unitOfWork.run(async (tx) =>
        tx.run(
          `DELETE FROM estafet_inbox WHERE subscription = ? AND taken_at_ms <= ${nowMs} - ?`,
          ...[subscription, whole(days * 86_400_000)],
        ),
      )
    },
  }
}

/** Takes an id, and tells the place where it was taken first. */
function takenAt(tx: SqliteTransaction, subscription: string, { id, place }: SentId): string {
  const row = tx.get(
    // A row that is there is updated, because only then it is returned.
    `INSERT INTO estafet_inbox (subscription, digest, place, taken_at_ms) VALUES (?, ?, ?, ${nowMs})
      ON CONFLICT DO UPDATE SET taken_at_ms = excluded.taken_at_ms RETURNING place`,
    // Of one length, whatever senders call their messages.
    ...[subscription, createHash('sha256').update(id).digest(), place],
  )
  return String(row?.['place'])
}
