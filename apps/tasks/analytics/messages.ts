import { event } from 'estafet'
import * as z from 'zod'

export const taskEventsTopic = 'task_events'

/** What each message of the topic tells of a task. */
export const told = z.object({ id: z.uuid(), owner_id: z.uuid(), text: z.string() })

const define = (type: string) => event(type, { version: 1, topic: taskEventsTopic, schema: told, key: ({ id }) => id })

export const TaskEventCreated = define('task-event.created')
export const TaskEventUpdated = define('task-event.updated')
export const TaskEventAssigned = define('task-event.assigned')
export const TaskEventCompleted = define('task-event.completed')
export const TaskEventDeleted = define('task-event.deleted')

/** The names that the topic knows them by, for everybody who reads or writes it. */
export const kinds = {
  TASK_CREATED: TaskEventCreated,
  TASK_UPDATED: TaskEventUpdated,
  TASK_ASSIGNED: TaskEventAssigned,
  TASK_COMPLETED: TaskEventCompleted,
  TASK_DELETED: TaskEventDeleted,
} as const
export type Kind = keyof typeof kinds

export const kindNames = Object.keys(kinds).filter((name): name is Kind => Object.hasOwn(kinds, name))

/** What is told of what stood in the topic and is no event of a task; nothing of its content. */
export const skipped = z.object({ reason: z.string().max(50), details: z.string().max(300) })
export const TaskEventSkipped = event('task-event.skipped', {
  version: 1,
  topic: taskEventsTopic,
  schema: skipped,
  key: ({ reason }) => reason,
})
