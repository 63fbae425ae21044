import { createHash, randomUUID } from 'node:crypto'
import type { MessageContext } from 'estafet'
import type { PostgresStore, Sql } from 'estafet/postgres'
import { TaskEventCreated } from '../analytics/messages.ts'
import { TaskCreated } from '../messages.ts'
import type { Caller } from '../web/tokens.ts'
import { type Task, taskOf } from './rows.ts'

export interface NewTask {
  readonly title: string
  readonly description: string
  readonly worker_ids: readonly string[]
}

export interface Creation {
  /** `known`: this key was used before, for the same content. `conflict`: for another one. Only `new` was written. */
  readonly state: 'new' | 'known' | 'conflict'
  /** Null when it was deleted since. */
  readonly task: Task | null
}

/** Stores a task and publishes it, to the services and to `task_events`, in one transaction. */
export async function createTask(
  store: PostgresStore,
  caller: Caller,
  wanted: NewTask,
  { idempotencyKey, context }: { readonly idempotencyKey: string | null; readonly context: MessageContext },
): Promise<Creation> {
  const id = randomUUID()
  return await store.transaction(async (tx, publish) => {
    const before = idempotencyKey === null ? null : await takenBefore(tx, caller, { idempotencyKey, wanted, id })
    if (before !== null) return before
    await tx.query('INSERT INTO task (id, title, description, creator_id) VALUES ($1, $2, $3, $4)', [
      ...[id, wanted.title, wanted.description, caller.id],
    ])
    const workers = [...new Set(wanted.worker_ids)]
    await tx.query('INSERT INTO task_worker (task_id, worker_id) SELECT $1, unnest($2::uuid[])', [id, workers])
    publish(
      TaskCreated({ task_id: id, title: wanted.title, worker_ids: workers }, context),
      TaskEventCreated({ id, owner_id: caller.id, text: wanted.title }, context),
    )
    return { state: 'new', task: await taskOf(tx, id) }
  })
}

/** Notes the key; null when it is new. Of two at once, the second waits here for the end of the first. */
async function takenBefore(
  tx: Sql,
  caller: Caller,
  { idempotencyKey, wanted, id }: { readonly idempotencyKey: string; readonly wanted: NewTask; readonly id: string },
): Promise<Creation | null> {
  const hash = createHash('sha256').update(JSON.stringify(wanted)).digest('hex')
  const noted = await tx.query(
    'INSERT INTO taken_request (caller_id, key, content_hash, task_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
    [caller.id, idempotencyKey, hash, id],
  )
  if (noted.rowCount === 1) return null
  const { rows } = await tx.query<{ content_hash: string; task_id: string }>(
    'SELECT content_hash, task_id FROM taken_request WHERE caller_id = $1 AND key = $2',
    [caller.id, idempotencyKey],
  )
  if (rows[0]?.content_hash !== hash) return { state: 'conflict', task: null }
  return { state: 'known', task: await taskOf(tx, rows[0].task_id) }
}
