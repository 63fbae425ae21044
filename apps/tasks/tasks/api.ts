import { createRoute, z } from '@hono/zod-openapi'
import type { Logger } from 'estafet'
import type { PostgresStore } from 'estafet/postgres'
import type { Context } from 'hono'
import { description, title } from '../messages.ts'
import {
  type Api,
  bearer,
  body,
  byId,
  contextOf,
  type Env,
  json,
  type Now,
  newApi,
  problems,
  signedIn,
} from '../web/api.ts'
import { refuse } from '../web/problem.ts'
import type { Tokens } from '../web/tokens.ts'
import {
  assignTask,
  type Changed,
  completeTask,
  deleteTask,
  type Refused,
  type Request,
  updateTask,
} from './change-task.ts'
import { createTask } from './create-task.ts'
import { isSeen, listTasks, type Task, taskOf } from './rows.ts'

const workers = z.array(z.uuid().toLowerCase()).max(100)
const newTask = z.strictObject({ title, description: description.default(''), worker_ids: workers.default([]) })
const change = z
  .strictObject({ title, description, version: z.int().min(1) })
  .partial()
  .refine((wanted) => wanted.title !== undefined || wanted.description !== undefined, 'changes nothing')
const assignment = z.strictObject({ worker_ids: workers.min(1) })
const view = z.object({
  id: z.uuid(),
  title: z.string(),
  description: z.string(),
  creator_id: z.uuid(),
  status: z.enum(['open', 'completed']),
  version: z.number(),
  worker_ids: z.array(z.uuid()),
  created_at: z.string(),
  updated_at: z.string(),
})
const page = z.object({
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
  status: z.enum(['open', 'completed']).optional(),
})

export interface TasksApiOptions {
  readonly tokens: Tokens
  /** Who a caller is by now; see `signedIn`. A former administrator sees no more than his own tasks. */
  readonly now: Now
  readonly logger: Logger
}

/** The HTTP interface of the tasks service. */
export function tasksApi(store: PostgresStore, { tokens, now, logger }: TasksApiOptions): Api {
  const app = newApi()
  const known = signedIn(tokens, async (caller) => {
    // Whom the events say is gone need not be asked about.
    const gone = 'SELECT FROM former_user WHERE user_id = $1'
    const { rowCount } = await store.transaction((tx) => tx.query(gone, [caller.id]))
    return rowCount === 0 ? await now(caller) : null
  })
  app.use('/api/tasks/*', known)
  addCreating(app, store, logger)
  addReading(app, store)
  addChanging(app, store)
  return app
}

function addCreating(app: Api, store: PostgresStore, logger: Logger): void {
  const route = createRoute({
    method: 'post',
    path: '/api/tasks/',
    summary: 'Stores a task and publishes task.created. With an Idempotency-Key, repeating it changes nothing.',
    security: bearer,
    request: {
      headers: z.object({ 'idempotency-key': z.string().min(1).max(200).optional() }),
      body: body(newTask),
    },
    responses: {
      201: json(view, 'Stored and published'),
      200: json(view, 'Stored before, under this key'),
      401: problems('No valid token'),
      409: problems('The key was used for another task'),
      422: problems('Invalid; names the fields'),
    },
  })
  app.openapi(route, async (context) => {
    const { 'idempotency-key': key = null } = context.req.valid('header')
    const [caller, wanted] = [context.get('caller'), context.req.valid('json')]
    const options = { idempotencyKey: key, context: contextOf(context) }
    const { state, task } = await createTask(store, caller, wanted, options)
    logger.info('a task was asked for', { task_id: task?.id, state, correlation_id: context.get('correlationId') })
    if (state === 'conflict') {
      const fault = { field: 'idempotency-key', reason: 'was used for another task' }
      return refuse(409, 'Not as things are; nothing was written.', [fault])
    }
    if (task === null) return refuse(404, 'The task of this key was deleted.')
    return context.json(viewOf(task), state === 'new' ? 201 : 200)
  })
}

function addReading(app: Api, store: PostgresStore): void {
  const list = createRoute({
    method: 'get',
    path: '/api/tasks/',
    summary: 'The tasks that you made or work on, by pages; all of them for administrators.',
    security: bearer,
    request: { query: page },
    responses: { 200: json(z.object({ items: z.array(view), next: z.uuid().nullable() }), 'A page') },
  })
  app.openapi(list, async (context) => {
    const { after = null, limit, status = null } = context.req.valid('query')
    const items = await listTasks(store, context.get('caller'), { after, limit, status })
    const next = items.length === limit ? (items.at(-1)?.id ?? null) : null
    return context.json({ items: items.map(viewOf), next }, 200)
  })
  const read = createRoute({
    method: 'get',
    path: '/api/tasks/{id}',
    summary: 'One task.',
    security: bearer,
    request: { params: byId },
    responses: { 200: json(view, 'The task'), 404: problems('None that you may see') },
  })
  app.openapi(read, async (context) => {
    const { id } = context.req.valid('param')
    const task = await store.transaction((tx) => taskOf(tx, id))
    if (task === null || !isSeen(task, context.get('caller'))) return refuse(404, 'There is no such task.')
    return context.json(viewOf(task), 200)
  })
}

function addChanging(app: Api, store: PostgresStore): void {
  const common = { security: bearer, responses: { 200: json(view, 'As it is now'), ...refusals } }
  const update = createRoute({
    ...common,
    method: 'patch',
    path: '/api/tasks/{id}',
    summary: 'Changes a task; publishes task.updated. With `version`, only if nobody has changed it since.',
    request: { params: byId, body: body(change) },
  })
  app.openapi(update, async (context) => {
    const request = requestOf(context, context.req.valid('param').id)
    return context.json(taskOrRefuse(await updateTask(store, request, context.req.valid('json'))), 200)
  })
  const assign = createRoute({
    ...common,
    method: 'post',
    path: '/api/tasks/{id}/assign',
    summary: 'Gives a task to more workers; publishes task.assigned.',
    request: { params: byId, body: body(assignment) },
  })
  app.openapi(assign, async (context) => {
    const request = requestOf(context, context.req.valid('param').id)
    return context.json(taskOrRefuse(await assignTask(store, request, context.req.valid('json').worker_ids)), 200)
  })
  const complete = createRoute({
    ...common,
    method: 'post',
    path: '/api/tasks/{id}/complete',
    summary: 'Completes a task; publishes task.completed.',
    request: { params: byId },
  })
  app.openapi(complete, async (context) => {
    const request = requestOf(context, context.req.valid('param').id)
    return context.json(taskOrRefuse(await completeTask(store, request)), 200)
  })
  const remove = createRoute({
    ...common,
    method: 'delete',
    path: '/api/tasks/{id}',
    summary: 'Deletes a task; publishes task.deleted.',
    request: { params: byId },
    responses: { 204: { description: 'Deleted' }, ...refusals },
  })
  app.openapi(remove, async (context) => {
    taskOrRefuse(await deleteTask(store, requestOf(context, context.req.valid('param').id)))
    return context.body(null, 204)
  })
}

const refusals = {
  403: problems('It is for its creator and administrators to change'),
  404: problems('None that you may see'),
  409: problems('Not as things are; names the field'),
  422: problems('Invalid; names the fields'),
}

function requestOf(context: Context<Env>, id: string): Request {
  return { id, caller: context.get('caller'), context: contextOf(context) }
}

function taskOrRefuse(changed: Changed): z.infer<typeof view> {
  return typeof changed === 'object' ? viewOf(changed) : refuseChange(changed)
}

function refuseChange(why: Refused): never {
  if (why === 'missing') return refuse(404, 'There is no such task.')
  if (why === 'forbidden') return refuse(403, 'It is for its creator and administrators to change.')
  const faults = {
    version: { field: 'version', reason: 'is not the newest: read it again' },
    completed: { field: 'status', reason: 'is completed' },
  }
  return refuse(409, 'Not as things are; nothing was written.', [faults[why]])
}

const viewOf = ({ created_at, updated_at, worker_ids, ...task }: Task) => ({
  ...task,
  worker_ids: [...worker_ids],
  created_at: created_at.toISOString(),
  updated_at: updated_at.toISOString(),
})
