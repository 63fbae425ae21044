import { createHash } from 'node:crypto'
import type { Inbox } from '../../ports/inbox.ts'
import type { UnitOfWork } from '../../ports/unit-of-work.ts'
import { nowMs, whole } from './statements.ts'
import type { SqliteTransaction } from './transaction.ts'

/** Ids of messages from others, in the table of migration 0003. */
export function sqliteInbox(unitOfWork: UnitOfWork<SqliteTransaction>): Inbox<SqliteTransaction> {
  return {
    async take(tx, subscription, ids) {
      const fresh = new Set<string>()
      for (const id of ids) {
        const { changes } = tx.run(
          `INSERT INTO estafet_inbox (subscription, digest, taken_at_ms) VALUES (?, ?, ${nowMs}) ON CONFLICT DO NOTHING`,
          // Of one length, whatever senders call their messages.
          ...[subscription, createHash('sha256').update(id).digest()],
        )
        if (Number(changes) > 0) fresh.add(id)
      }
      return fresh
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
