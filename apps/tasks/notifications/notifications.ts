import { type ReceivedMessage, service } from 'estafet'
import { on, type Sql } from 'estafet/postgres'
import { deadLettered } from '../dead-letters.ts'
import {
  notificationEvents,
  TaskAssigned,
  TaskCompleted,
  TaskCreated,
  TaskUpdated,
  UserCreated,
  UserDeleted,
  UserUpdated,
} from '../messages.ts'
import { tries } from '../tries.ts'

/** Who the administrators are comes in another topic, which may take a while after a start from nothing. */
const untilAdminsAreKnown = {
  ...{ errors: ['NobodyToNotify'], immediate: 0, delayed: 2 },
  backOff: { firstMs: 2_000, maxMs: 10_000 },
}

/** Writes down who is to be told what; the delivery sends it once this is committed. */
export const notifications = service<Sql>('notifications', {
  publishes: [...notificationEvents],
  onDeadLetter: deadLettered('notifications'),
  handlers: [
    ...[TaskCreated, TaskAssigned].map((type) =>
      on(
        type,
        ({ data, ...event }, { tx }) => notify(tx, event, data, 'You were given a task', data.worker_ids),
        tries,
      ),
    ),
    on(
      TaskUpdated,
      async ({ data, ...event }, { tx }) => notify(tx, event, data, 'A task was changed', await admins(tx)),
      { ...tries, retry: [untilAdminsAreKnown, ...tries.retry] },
    ),
    on(
      TaskCompleted,
      ({ data, ...event }, { tx }) => notify(tx, event, data, 'Your task is completed', [data.creator_id]),
      tries,
    ),
    ...[UserCreated, UserUpdated].map((type) =>
      on(type, ({ data: { user_id, ...user } }, { tx }) => know(tx, { id: user_id, ...user, isDeleted: false }), tries),
    ),
    on(
      UserDeleted,
      ({ data }, { tx }) =>
        know(tx, { id: data.user_id, email: null, role: null, version: data.version, isDeleted: true }),
      tries,
    ),
  ],
})

/** One notification for each recipient of an event; those that are there already stay as they are. */
async function notify(
  tx: Sql,
  event: Omit<ReceivedMessage, 'data'>,
  task: { readonly task_id: string; readonly title: string },
  says: string,
  recipients: readonly string[],
): Promise<void> {
  await tx.query(
    `INSERT INTO notification (event_id, recipient_id, kind, task_id, text, correlation_id, traceparent)
    SELECT $1, recipient, $3, $4, $5, $6, $7 FROM unnest($2::uuid[]) AS recipient
    WHERE NOT EXISTS (SELECT FROM known_user u WHERE u.id = recipient AND u.is_deleted)
    ON CONFLICT (event_id, recipient_id) DO NOTHING`,
    [
      ...[event.id, recipients, event.type, task.task_id, `${says}: ${task.title}`],
      ...[event.correlationId, event.traceparent],
    ],
  )
}

/** There is always an administrator; that none is known yet passes, and is an error if it does not. */
async function admins(tx: Sql): Promise<readonly string[]> {
  const { rows } = await tx.query<{ id: string }>(`SELECT id FROM known_user WHERE role = 'admin' AND NOT is_deleted`)
  if (rows.length === 0) throw new NobodyToNotify('no administrator is known yet')
  return rows.map(({ id }) => id)
}

class NobodyToNotify extends Error {
  override readonly name = 'NobodyToNotify'
}

interface User {
  readonly id: string
  readonly email: string | null
  readonly role: string | null
  readonly version: number
  readonly isDeleted: boolean
}

/** The events of one account travel in three topics: whichever comes first, the newest version stays. */
async function know(tx: Sql, { id, email, role, version, isDeleted }: User): Promise<void> {
  await tx.query(
    `INSERT INTO known_user AS u (id, email, role, version, is_deleted) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (id) DO UPDATE SET email = excluded.email, role = excluded.role, version = excluded.version,
      is_deleted = excluded.is_deleted
    WHERE excluded.version > u.version`,
    [id, email, role, version, isDeleted],
  )
}
