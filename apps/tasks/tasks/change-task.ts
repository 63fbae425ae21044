import type { MessageContext, OutgoingMessage } from 'estafet'
import type { PostgresStore, Sql } from 'estafet/postgres'
import { TaskEventAssigned, TaskEventCompleted, TaskEventDeleted, TaskEventUpdated } from '../analytics/messages.ts'
import { TaskAssigned, TaskCompleted, TaskDeleted, TaskUpdated } from '../messages.ts'
import type { Caller } from '../web/tokens.ts'
import { isSeen, type Task, taskOf } from './rows.ts'

/** Why nothing was written: there is none that the caller sees; it is not for him; another version; completed before. */
export type Refused = 'missing' | 'forbidden' | 'version' | 'completed'
export type Changed = Task | Refused

export interface Request {
  readonly id: string
  readonly caller: Caller
  readonly context: MessageContext
}

/** Changes title or description, and publishes `task.updated`. */
export function updateTask(
  store: PostgresStore,
  request: Request,
  change: {
    readonly title?: string | undefined
    readonly description?: string | undefined
    readonly version?: number | undefined
  },
): Promise<Changed> {
  return changed(store, request, async (tx, task, publish) => {
    if (!isOwner(task, request.caller)) return 'forbidden'
    if (change.version !== undefined && change.version !== task.version) return 'version'
    await tx.query(
      `UPDATE task SET title = coalesce($2, title), description = coalesce($3, description), version = version + 1,
        updated_at = clock_timestamp() WHERE id = $1`,
      [task.id, change.title ?? null, change.description ?? null],
    )
    const title = change.title ?? task.title
    publish(TaskUpdated({ task_id: task.id, title }, request.context))
    publish(TaskEventUpdated(toldOf({ ...task, title }), request.context))
    return await taskOf(tx, task.id)
  })
}

/** Gives it to more workers, and publishes `task.assigned` with those who had not got it yet. */
export function assignTask(store: PostgresStore, request: Request, workers: readonly string[]): Promise<Changed> {
  return changed(store, request, async (tx, task, publish) => {
    if (!isOwner(task, request.caller)) return 'forbidden'
    if (task.status === 'completed') return 'completed'
    const added = [...new Set(workers)].filter((worker) => !task.worker_ids.includes(worker))
    if (added.length === 0) return task
    await tx.query('INSERT INTO task_worker (task_id, worker_id) SELECT $1, unnest($2::uuid[])', [task.id, added])
    await tx.query('UPDATE task SET version = version + 1, updated_at = clock_timestamp() WHERE id = $1', [task.id])
    publish(TaskAssigned({ task_id: task.id, title: task.title, worker_ids: added }, request.context))
    publish(TaskEventAssigned(toldOf(task), request.context))
    return await taskOf(tx, task.id)
  })
}

/** Completes it, which its workers may do, too, and publishes `task.completed`. Doing so again changes nothing. */
export function completeTask(store: PostgresStore, request: Request): Promise<Changed> {
  return changed(store, request, async (tx, task, publish) => {
    if (task.status === 'completed') return task
    await tx.query(
      `UPDATE task SET status = 'completed', version = version + 1, updated_at = clock_timestamp() WHERE id = $1`,
      [task.id],
    )
    const data = { task_id: task.id, title: task.title, creator_id: task.creator_id }
    publish(TaskCompleted(data, request.context))
    publish(TaskEventCompleted(toldOf(task), request.context))
    return await taskOf(tx, task.id)
  })
}

/** Deletes it and publishes `task.deleted`; answers with what it was. */
export function deleteTask(store: PostgresStore, request: Request): Promise<Changed> {
  return changed(store, request, async (tx, task, publish) => {
    if (!isOwner(task, request.caller)) return 'forbidden'
    await tx.query('DELETE FROM task WHERE id = $1', [task.id])
    publish(TaskDeleted({ task_id: task.id, title: task.title }, request.context))
    publish(TaskEventDeleted(toldOf(task), request.context))
    return task
  })
}

type Change = (
  tx: Sql,
  task: Task,
  publish: (...messages: readonly OutgoingMessage[]) => void,
) => Promise<Task | Refused | null>

function changed(store: PostgresStore, { id, caller }: Request, change: Change): Promise<Changed> {
  return store.transaction(async (tx, publish) => {
    const task = await taskOf(tx, id, 'lock')
    if (task === null || !isSeen(task, caller)) return 'missing'
    return (await change(tx, task, publish)) ?? 'missing'
  })
}

function isOwner(task: Task, caller: Caller): boolean {
  return caller.role === 'admin' || task.creator_id === caller.id
}

/** What the topic `task_events` is told. */
function toldOf({ id, creator_id, title }: Task) {
  return { id, owner_id: creator_id, text: title }
}
