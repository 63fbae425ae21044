import type { PostgresStore, Sql } from 'estafet/postgres'
import type { Caller } from '../web/tokens.ts'

/** A task, as it is seen. */
export interface Task {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly creator_id: string
  readonly status: 'open' | 'completed'
  readonly version: number
  readonly worker_ids: readonly string[]
  readonly created_at: Date
  readonly updated_at: Date
}

const columns = `t.id, t.title, t.description, t.creator_id, t.status, t.version, t.created_at, t.updated_at,
  coalesce((SELECT array_agg(w.worker_id ORDER BY w.worker_id) FROM task_worker w WHERE w.task_id = t.id), '{}') AS worker_ids`

/** Whether somebody sees it: who made it, who works on it, and administrators. */
export function isSeen(task: Task, { id, role }: Caller): boolean {
  return role === 'admin' || task.creator_id === id || task.worker_ids.includes(id)
}

/** One task; `lock` keeps others from changing it until the transaction ends. */
export async function taskOf(tx: Sql, id: string, lock: 'lock' | 'look' = 'look'): Promise<Task | null> {
  const { rows } = await tx.query<Task>(
    `SELECT ${columns} FROM task t WHERE t.id = $1 ${lock === 'lock' ? 'FOR UPDATE OF t' : ''}`,
    [id],
  )
  return rows[0] ?? null
}

export interface TaskPage {
  readonly after: string | null
  readonly limit: number
  readonly status: Task['status'] | null
}

/** The tasks that somebody sees, by id, from the one after `after`. */
export async function listTasks(store: PostgresStore, caller: Caller, page: TaskPage): Promise<readonly Task[]> {
  const { rows } = await store.transaction((tx) =>
    tx.query<Task>(
      `SELECT ${columns} FROM task t
      WHERE ($1 OR t.creator_id = $2 OR EXISTS (SELECT FROM task_worker w WHERE w.task_id = t.id AND w.worker_id = $2))
        AND ($3::uuid IS NULL OR t.id > $3) AND ($4::text IS NULL OR t.status = $4)
      ORDER BY t.id LIMIT $5`,
      [caller.role === 'admin', caller.id, page.after, page.status, page.limit],
    ),
  )
  return rows
}
