import { contracts } from 'estafet/contracts'
import { analytics } from './analytics/analytics.ts'
import { kinds, TaskEventSkipped } from './analytics/messages.ts'
import { auth } from './auth/auth.ts'
import {
  DeadLettered,
  NotificationFailed,
  NotificationSent,
  TaskAssigned,
  TaskCompleted,
  TaskCreated,
  TaskDeleted,
  TaskUpdated,
  UserCreated,
  UserDeleted,
  UserUpdated,
} from './messages.ts'
import { notifications } from './notifications/notifications.ts'
import { tasks } from './tasks/tasks.ts'

const idOf = (number: number): string => `00000000-0000-7000-8000-00000000000${number}`
const user = { user_id: idOf(1), email: 'ada@example.org', name: 'Ada', role: 'member', version: 1 } as const
const task = { task_id: idOf(2), title: 'Water the plants' }
const given = { ...task, worker_ids: [idOf(1)] }
const told = { id: idOf(2), owner_id: idOf(1), text: 'Water the plants' }
const notification = { notification_id: idOf(3), recipient_id: idOf(1), event_id: idOf(4), channel: 'webhook' }
const deadLetter = DeadLettered({
  ...{ original_id: idOf(4), original_type: 'task.created', service: 'notifications', handler: 'task.created' },
  ...{ error: 'TypeError: fetch failed', failed_at: '2026-01-01T00:00:00.000Z' },
})

/** `estafet contracts check --module apps/tasks/contracts.ts --against apps/tasks/contracts` */
export default contracts([
  { service: auth, examples: [UserCreated(user), UserUpdated(user), UserDeleted({ user_id: idOf(1), version: 2 })] },
  {
    // What becomes of dead letters is published, too.
    service: { ...tasks, publishes: [...tasks.publishes, DeadLettered] },
    examples: [
      TaskCreated(given),
      TaskUpdated(task),
      TaskAssigned(given),
      TaskDeleted(task),
      TaskCompleted({ ...task, creator_id: idOf(1) }),
      ...Object.values(kinds).map((define) => define(told)),
      deadLetter,
    ],
  },
  {
    service: { ...notifications, publishes: [...notifications.publishes, DeadLettered] },
    examples: [
      NotificationSent(notification),
      NotificationFailed({ ...notification, error: 'Error: no answer', attempts: 3 }),
      deadLetter,
    ],
  },
  {
    // It tells itself of what it skipped.
    service: { ...analytics, publishes: [...analytics.publishes, TaskEventSkipped] },
    examples: [TaskEventSkipped({ reason: 'unknown type', details: 'TASK_MOVED' })],
  },
])
