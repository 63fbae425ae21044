import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger, StoredMessage } from 'estafet'
import * as z from 'zod'
import { type Served, serve } from '../../../engines/application/serve.ts'
import { analyticsFile } from '../analytics/file.ts'
import type { Settings } from '../system/settings.ts'
import { type System, startSystem } from '../system/system.ts'

export interface Step {
  readonly says: string
  /** Resolves to what was seen; rejects with what was not. */
  readonly holds: () => Promise<string>
}

const inbox = z.object({ items: z.array(z.object({ task_id: z.string(), kind: z.string(), status: z.string() })) })
const metrics = z.object({
  services: z.array(
    z.object({
      service: z.string(),
      lag: z.array(z.object({ topic: z.string(), messages: z.number().nullable() })),
    }),
  ),
})
const token = z.object({ access_token: z.string() })
const withId = z.object({ id: z.string() })
const password = `smoke ${randomUUID()}`

/** What happens to one task, step by step, as people do it over HTTP; call `end` whatever happened. */
export function steps(settings: Settings, logger: Logger): { readonly steps: readonly Step[]; end(): Promise<void> } {
  const adminPassword = settings.ADMIN_PASSWORD ?? password
  let system: System | null = null
  let web: Served | null = null
  let [adminToken, workerToken, workerId, task] = ['', '', '', '']

  const running = (): System => {
    assert.ok(system !== null, 'it does not run')
    return system
  }
  async function call(method: string, path: string, by: string, body?: object): Promise<unknown> {
    const answer = await fetch(new URL(path, web?.url), {
      method,
      headers: { 'content-type': 'application/json', ...(by === '' ? {} : { authorization: `Bearer ${by}` }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    assert.ok(answer.ok, `${method} ${path} answered ${answer.status}`)
    return answer.status === 204 ? null : await answer.json()
  }
  const signIn = async (email: string, secret: string): Promise<string> =>
    token.parse(await call('POST', '/api/auth/login', '', { email, password: secret })).access_token
  const told = async (by: string, kind: string) =>
    inbox.parse(await call('GET', '/api/notifications', by)).items.filter((item) => {
      return item.task_id === task && item.kind === kind && item.status === 'sent'
    }).length
  /** Of notifications, in the topic task.created. */
  const lag = async () => {
    const { services } = metrics.parse(await call('GET', '/admin/metrics', adminToken))
    const own = services.find(({ service }) => service === 'notifications')
    return own?.lag.find(({ topic }) => topic === 'task.created')?.messages
  }
  const stored = async () => {
    const database = new DatabaseSync(analyticsFile(settings.TASKS_HOME), { readOnly: true })
    try {
      return database.prepare('SELECT event_type, task_text FROM task_events WHERE id = ?').get(`TASK_CREATED_${task}`)
    } finally {
      database.close()
    }
  }

  return {
    async end() {
      await web?.close()
      await system?.stop()
    },
    steps: [
      {
        says: 'engines up',
        async holds() {
          // Where there is an administrator already, ADMIN_EMAIL and ADMIN_PASSWORD must be his.
          system = await startSystem({ ...settings, ADMIN_PASSWORD: adminPassword }, logger)
          web = await serve(system.app, 0)
          const { server, brokers } = system
          adminToken = await signIn(settings.ADMIN_EMAIL, adminPassword)
          return `${server.says}; events: ${brokers.events.says}; task_events: ${brokers.analytics.says}`
        },
      },
      {
        says: 'account made',
        async holds() {
          const email = `${randomUUID()}@example.com`
          const account = await call('POST', '/api/auth/register', '', { email, password, name: 'Smoke' })
          workerId = withId.parse(account).id
          workerToken = await signIn(email, password)
          return 'and signed in'
        },
      },
      {
        says: 'task made',
        async holds() {
          const body = { title: 'Smoke', worker_ids: [workerId] }
          task = withId.parse(await call('POST', '/api/tasks/', adminToken, body)).id
          return `task ${task}`
        },
      },
      {
        says: 'bad task refused',
        async holds() {
          await assert.rejects(call('POST', '/api/tasks/', adminToken, { title: '' }), /answered 422/)
          return 'by a problem document'
        },
      },
      {
        says: 'event published',
        async holds() {
          const found = await eventually(
            () => messageOf(running(), task),
            (message) => message !== null,
          )
          return `${found?.type}, ${found?.id}`
        },
      },
      {
        says: 'worker notified',
        async holds() {
          await eventually(
            () => told(workerToken, 'task.created'),
            (count) => count === 1,
          )
          return 'in the inbox, once'
        },
      },
      {
        says: 'duplicate ignored',
        async holds() {
          const [message, behind] = [await messageOf(running(), task), randomUUID()]
          assert.ok(message !== null)
          await sendAgain(running(), message, behind)
          await eventually(
            () => told(workerToken, 'task.created'),
            (count) => count === 2,
          )
          return 'the same event, sent again by somebody else; another one behind it counts'
        },
      },
      {
        says: 'task counted',
        async holds() {
          const row = await eventually(stored, (found) => found !== undefined)
          assert.equal(row?.['task_text'], 'Smoke')
          return `TASK_CREATED_${task}, in analytics.sqlite`
        },
      },
      {
        says: 'completion told',
        async holds() {
          await call('POST', `/api/tasks/${task}/complete`, workerToken)
          await eventually(
            () => told(adminToken, 'task.completed'),
            (count) => count === 1,
          )
          return 'to its creator'
        },
      },
      {
        says: 'replay works',
        async holds() {
          const body = { service: 'notifications', topic: 'task.created', position: 0 }
          const { count } = z.object({ count: z.number() }).parse(await call('POST', '/admin/replay', adminToken, body))
          await eventually(lag, (messages) => messages === 0)
          assert.equal(await told(workerToken, 'task.created'), 2)
          return `${count} event(s) come again, and nobody is told twice`
        },
      },
      {
        says: 'nothing failed',
        async holds() {
          const { items } = z.object({ items: z.array(z.unknown()) }).parse(await call('GET', '/admin/dlq', adminToken))
          assert.equal(items.length, 0)
          return 'there are no dead letters'
        },
      },
    ],
  }
}

async function messageOf({ brokers }: System, task: string): Promise<StoredMessage | null> {
  const { feed } = brokers.events.topic('task.created', 'notifications', 'smoke')
  const { lanes } = await feed.open()
  await feed.ends()
  for (let lane = 0; lane < lanes; lane++) {
    const { deliveries } = await feed.fetch(lane, 0n, 1_000)
    const found = deliveries.find(({ message }) => message.key === task)
    if (found !== undefined) return found.message
  }
  return null
}

/** The same event once more, and one with an id of its own behind it, by a writer that knows nothing of our relay. */
async function sendAgain({ brokers }: System, message: StoredMessage, behind: string): Promise<void> {
  const sink = brokers.events.sink('tasks')
  const from = { ...message, source: 'somebody-else', epoch: randomUUID() }
  await sink.send([{ message: { ...from, position: 1n }, partition: 0, previous: 0n }])
  await sink.send([{ message: { ...from, id: behind, position: 2n }, partition: 0, previous: 1n }])
}

async function eventually<Seen>(look: () => Promise<Seen>, isSo: (seen: Seen) => boolean): Promise<Seen> {
  const deadline = performance.now() + 30_000
  for (;;) {
    const seen = await look()
    if (isSo(seen)) return seen
    if (performance.now() > deadline) throw new Error('not seen within 30 s')
    await sleep(50)
  }
}
