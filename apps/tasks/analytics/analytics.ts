import { service } from 'estafet'
import { on, type SqliteTransaction } from 'estafet/sqlite'
import { tries } from '../tries.ts'
import { placeOf } from './judged.ts'
import { type Kind, kindNames, kinds, TaskEventSkipped } from './messages.ts'
import { reached } from './progress.ts'

/** What may happen to a task more than once; of the rest a task has one row each, whoever tells of it. */
const repeats: readonly Kind[] = ['TASK_UPDATED', 'TASK_ASSIGNED']

/** Keeps one row for each event of a task, and notes what was skipped and why. */
export const analytics = service<SqliteTransaction>('analytics', {
  handlers: [
    ...kindNames.map((kind) =>
      on(
        kinds[kind],
        async (event, { tx }) => {
          const { id, owner_id, text } = event.data
          const row = repeats.includes(kind) ? `${kind}_${id}_${event.id}` : `${kind}_${id}`
          tx.run(
            `INSERT INTO task_events (id, event_type, task_id, task_text, task_owner_id) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO NOTHING`,
            ...[row, kind, id, text, owner_id],
          )
          reached(tx, event)
        },
        tries,
      ),
    ),
    on(
      TaskEventSkipped,
      async (event, { tx, log }) => {
        const { epoch, partition, offset } = placeOf(event)
        const { reason, details } = event.data
        tx.run(
          `INSERT INTO skipped_messages (epoch, partition, offset, reason, details) VALUES (?, ?, ?, ?, ?)
          ON CONFLICT DO NOTHING`,
          ...[epoch, partition, offset, reason, details],
        )
        reached(tx, event)
        log.warn('a message was skipped', { partition, offset, reason, details })
      },
      tries,
    ),
  ],
})
