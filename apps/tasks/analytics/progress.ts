import type { Feed, ReceivedMessage } from 'estafet'
import type { SqliteStore, SqliteTransaction } from 'estafet/sqlite'
import { placeOf } from './judged.ts'

/** Notes, in the transaction of its effect, that a message was taken. */
export function reached(tx: SqliteTransaction, event: Pick<ReceivedMessage, 'headers'>): void {
  const { epoch, partition, offset } = placeOf(event)
  tx.run(
    `INSERT INTO reached (epoch, partition, next_offset) VALUES (?, ?, ?)
    ON CONFLICT (epoch, partition) DO UPDATE SET next_offset = max(next_offset, excluded.next_offset)`,
    ...[epoch, partition, offset + 1n],
  )
}

/** How many messages of a topic were not taken yet; what a broker writes between messages counts as one. */
export async function lagOf(store: SqliteStore, feed: Feed): Promise<number> {
  const { epoch } = await feed.open()
  const ends = await feed.ends()
  const rows = await store.transaction(async (tx) =>
    tx.all('SELECT partition, next_offset FROM reached WHERE epoch = ?', epoch),
  )
  const taken = new Map(rows.map((row) => [Number(row['partition']), Number(row['next_offset'])]))
  return ends.reduce((sum, end, partition) => sum + Math.max(0, Number(end) - (taken.get(partition) ?? 0)), 0)
}
