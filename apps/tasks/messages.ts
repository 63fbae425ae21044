import { event } from 'estafet'
import * as z from 'zod'

const id = z.uuid()
export const roles = ['admin', 'member'] as const

/** Text that a database and JSON can both hold. */
const text = z
  .string()
  .trim()
  .refine((value) => value.isWellFormed() && !value.includes('\u0000'), 'must be well-formed text without NUL')
export const title = text.min(1).max(200)
export const description = text.max(5_000)
export const personName = text.min(1).max(100)

/** Every type has a topic of its own. Those of one thing meet again by its `version`, where their order matters. */
const topicOf = (type: string) => ({ version: 1, topic: type })

const account = z.object({
  user_id: id,
  email: z.string(),
  name: z.string(),
  role: z.enum(roles),
  version: z.int().min(1),
})
const ofUser = { key: ({ user_id }: { readonly user_id: string }) => user_id, mask: ['email', 'name'] }

export const UserCreated = event('user.created', { ...topicOf('user.created'), schema: account, ...ofUser })
export const UserUpdated = event('user.updated', { ...topicOf('user.updated'), schema: account, ...ofUser })
export const UserDeleted = event('user.deleted', {
  ...topicOf('user.deleted'),
  schema: z.object({ user_id: id, version: z.int().min(1) }),
  key: ({ user_id }) => user_id,
})

const task = z.object({ task_id: id, title: z.string() })
const given = task.extend({ worker_ids: z.array(id) })
const ofTask = { key: ({ task_id }: { readonly task_id: string }) => task_id }

export const TaskCreated = event('task.created', { ...topicOf('task.created'), schema: given, ...ofTask })
export const TaskUpdated = event('task.updated', { ...topicOf('task.updated'), schema: task, ...ofTask })
export const TaskDeleted = event('task.deleted', { ...topicOf('task.deleted'), schema: task, ...ofTask })
/** `worker_ids` are those who were added. */
export const TaskAssigned = event('task.assigned', { ...topicOf('task.assigned'), schema: given, ...ofTask })
export const TaskCompleted = event('task.completed', {
  ...topicOf('task.completed'),
  schema: task.extend({ creator_id: id }),
  ...ofTask,
})

const notification = z.object({ notification_id: id, recipient_id: id, event_id: z.string(), channel: z.string() })
const ofNotification = { key: ({ notification_id }: { readonly notification_id: string }) => notification_id }

export const NotificationSent = event('notification.sent', {
  ...topicOf('notification.sent'),
  schema: notification,
  ...ofNotification,
})
export const NotificationFailed = event('notification.failed', {
  ...topicOf('notification.failed'),
  schema: notification.extend({ error: z.string(), attempts: z.int() }),
  ...ofNotification,
})

/** A message became a dead letter. Nothing of its content. */
export const DeadLettered = event('event.dead-lettered', {
  version: 1,
  topic: 'event_dlq',
  schema: z.object({
    original_id: z.string(),
    error: z.string(),
    failed_at: z.string(),
    original_type: z.string(),
    service: z.string(),
    handler: z.string(),
  }),
  key: ({ original_id }) => original_id,
})

export const userEvents = [UserCreated, UserUpdated, UserDeleted] as const
export const taskEvents = [TaskCreated, TaskUpdated, TaskDeleted, TaskAssigned, TaskCompleted] as const
export const notificationEvents = [NotificationSent, NotificationFailed] as const

/** Topics of the broker between the services. */
export const eventTopics = [...userEvents, ...taskEvents, ...notificationEvents, DeadLettered].map(({ topic }) => topic)
