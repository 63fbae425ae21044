import { service } from 'estafet'
import { on, type Sql } from 'estafet/postgres'
import { kinds } from '../analytics/messages.ts'
import { deadLettered } from '../dead-letters.ts'
import { taskEvents, UserDeleted } from '../messages.ts'
import { tries } from '../tries.ts'

/** Keeps tasks over HTTP and publishes what happens to them; of the accounts it wants to know only which are gone. */
export const tasks = service<Sql>('tasks', {
  publishes: [...taskEvents, ...Object.values(kinds)],
  onDeadLetter: deadLettered('tasks'),
  handlers: [
    on(
      UserDeleted,
      async (event, { tx }) => {
        await tx.query('INSERT INTO former_user (user_id) VALUES ($1) ON CONFLICT DO NOTHING', [event.data.user_id])
      },
      tries,
    ),
  ],
})
