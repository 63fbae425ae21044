import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import * as z from 'zod'
import { type Answer, eventually, type People, published, type Team } from './team.ts'

const letters = z.object({
  items: z.array(
    z.object({
      ...{ id: z.string(), service: z.string(), original_id: z.string(), type: z.string(), error: z.string() },
      ...{ attempts: z.number(), failed_at: z.string(), correlation_id: z.string() },
    }),
  ),
  next: z.string().nullable(),
})
const metrics = z.object({
  services: z.array(
    z.object({
      ...{ service: z.string(), processed: z.number(), processed_per_second: z.number(), dead_letters: z.number() },
      lag: z.array(z.object({ topic: z.string(), messages: z.number().nullable(), seconds: z.number().nullable() })),
      unsent: z.record(z.string(), z.number().nullable()),
    }),
  ),
  alerts: z.array(z.object({ alert: z.string(), service: z.string() })),
})

/** What must be so of failures and of those who put them right, whichever broker there is. */
export function failuresHold(of: () => Team, people: () => People): void {
  const asAdmin = (method: string, path: string, body?: unknown): Promise<Answer> =>
    of().call(method, path, { token: of().admin.token, ...(body === undefined ? {} : { body }) })
  const dlq = async (query = '') => letters.parse((await asAdmin('GET', `/admin/dlq${query}`)).body)
  const notified = async (task: string) =>
    (await of().sql('notifications', 'SELECT id FROM notification WHERE task_id = $1', [task])).length

  /** Lets the database refuse what is about a poisoned task, until it is mended. */
  const poison = () =>
    of().sql(
      'notifications',
      `ALTER TABLE notification ADD CONSTRAINT poison CHECK (text NOT LIKE '%poison%') NOT VALID`,
    )
  const mend = () => of().sql('notifications', 'ALTER TABLE notification DROP CONSTRAINT IF EXISTS poison')

  /** A task whose event cannot be handled, and its dead letter. */
  async function poisoned() {
    const { owner, worker } = people()
    const task = await of().task(owner, `poison ${randomUUID()}`, [worker])
    const [message] = await eventually(
      async () => (await published(of(), 'task.created')).filter(({ key }) => key === task),
      (found) => found.length === 1,
    )
    const { items } = await eventually(dlq, (seen) => seen.items.some((each) => each.original_id === message?.id))
    const letter = items.find((each) => each.original_id === message?.id)
    assert.ok(letter !== undefined && message !== undefined)
    return { task, letter, message }
  }

  test('an event that fails is tried 3 times, then it is a dead letter, and others go on', async () => {
    await poison()
    const { letter, message } = await poisoned()
    assert.deepEqual([letter.service, letter.type, letter.attempts], ['notifications', 'task.created', 3])
    assert.equal(letter.correlation_id, message.correlationId)
    assert.doesNotMatch(JSON.stringify(letter), /poison [0-9a-f]/, 'nothing of the content')
    const { owner, worker } = people()
    const behind = await of().task(owner, 'A good one', [worker])
    await eventually(
      () => notified(behind),
      (count) => count === 1,
    )
  })

  test('a change that comes before any administrator is known waits for one', async () => {
    const { owner } = people()
    // As after a start from nothing, where the accounts come later than the tasks.
    await of().sql('notifications', `UPDATE known_user SET role = 'member' WHERE id = $1`, [of().admin.id])
    const task = await of().task(owner, 'Early')
    await of().call('PATCH', `/api/tasks/${task}`, { token: owner.token, body: { title: 'Too early' } })
    const parked = `SELECT FROM estafet.parked_key WHERE key = $1`
    await eventually(
      () => of().sql('notifications', parked, [task]),
      (rows) => rows.length === 1,
    )
    await of().sql('notifications', `UPDATE known_user SET role = 'admin' WHERE id = $1`, [of().admin.id])
    await eventually(
      () => notified(task),
      (count) => count === 1,
    )
  })

  test('the dead letter can also be read in event_dlq, with original_id, error and failed_at', async () => {
    await poison().catch(() => {})
    const { letter, message } = await poisoned()
    const [told] = await eventually(
      async () => (await published(of(), 'event_dlq')).filter(({ key }) => key === message.id),
      (found) => found.length > 0,
    )
    const data = z
      .object({ original_id: z.string(), error: z.string(), failed_at: z.iso.datetime() })
      .parse(JSON.parse(told?.payload ?? ''))
    assert.equal(data.original_id, message.id)
    assert.equal(data.error, letter.error)
    assert.equal(told?.correlationId, message.correlationId)
  })

  test('GET /admin/metrics tells lag, processed rate and that the dead letters grow, for people and for Prometheus', async () => {
    const { services, alerts } = metrics.parse((await asAdmin('GET', '/admin/metrics')).body)
    assert.deepEqual(alerts, [{ alert: 'dlq_growing', service: 'notifications' }])
    const found = services.find(({ service }) => service === 'notifications')
    assert.ok(found !== undefined && found.processed > 0 && found.processed_per_second > 0 && found.dead_letters >= 2)
    assert.deepEqual(found.lag.map(({ topic }) => topic).toSorted(), [
      'task.assigned',
      'task.completed',
      'task.created',
      'task.updated',
      'user.created',
      'user.deleted',
      'user.updated',
    ])
    await eventually(
      async () => metrics.parse((await asAdmin('GET', '/admin/metrics')).body).services,
      (seen) =>
        seen.every(({ lag, unsent }) =>
          [...lag.map(({ messages }) => messages), ...Object.values(unsent)].every((count) => count === 0),
        ),
    )
    const text = await asAdmin('GET', '/admin/metrics?format=prometheus')
    assert.match(text.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
    for (const line of [
      /^# TYPE team_tasks_processed_total counter$/m,
      /^team_tasks_processed_per_second\{service="notifications"\} [\d.]+$/m,
      /^team_tasks_lag_messages\{service="notifications",topic="task\.created"\} 0$/m,
      /^team_tasks_dead_letters_growing\{service="notifications"\} 1$/m,
      /^team_tasks_dead_letters_growing\{service="tasks"\} 0$/m,
    ]) {
      assert.match(String(text.body), line)
    }
  })

  test('POST /admin/dlq/reprocess/{id} brings a dead letter back, and it takes effect once', async () => {
    await poison().catch(() => {})
    const { task, letter } = await poisoned()
    await mend()
    const answer = await asAdmin('POST', `/admin/dlq/reprocess/${letter.id}`)
    assert.equal(answer.status, 202)
    await eventually(
      () => notified(task),
      (count) => count === 1,
    )
    await eventually(dlq, ({ items }) => items.every(({ id }) => id !== letter.id))
    const again = await asAdmin('POST', `/admin/dlq/reprocess/${letter.id}`)
    assert.deepEqual([again.status, again.fields], [409, ['id']])
    assert.equal(await notified(task), 1)
  })

  test('one that fails again is a dead letter again, known by the id of its event, too', async () => {
    await poison().catch(() => {})
    const { letter } = await poisoned()
    const inStream = async () => (await published(of(), 'event_dlq')).filter(({ key }) => key === letter.original_id)
    const before = (await inStream()).length
    assert.equal((await asAdmin('POST', `/admin/dlq/reprocess/${letter.original_id}`)).status, 202)
    await eventually(inStream, (found) => found.length === before + 1)
    await mend()
  })

  test('GET /admin/dlq goes by pages, and DELETE /admin/dlq clears it, with the reason in the audit', async () => {
    const all = (await dlq()).items.map(({ id }) => id)
    assert.ok(all.length >= 2)
    const first = await dlq('?limit=1')
    assert.deepEqual([first.items.map(({ id }) => id), first.next], [all.slice(0, 1), all[0]])
    assert.equal((await dlq(`?limit=1&after=${first.next}`)).items[0]?.id, all[1])
    const cleared = await asAdmin('DELETE', '/admin/dlq?reason=seen')
    assert.deepEqual([cleared.status, cleared.body], [200, { cleared: all.length }])
    assert.deepEqual((await dlq()).items, [])
    const { status, body } = await of().system.notifications.subject.ask('GET', '/audit')
    assert.equal(status, 200)
    assert.match(JSON.stringify(body), new RegExp(`"who":"user:${of().admin.id}".*"reason":"seen"`))
  })

  test('POST /admin/replay delivers history again from a position: what is gone is made again, once', async () => {
    const { owner, worker } = people()
    const task = await of().task(owner, 'To be lost', [worker])
    await eventually(
      () => notified(task),
      (count) => count === 1,
    )
    const before = await of().sql('notifications', 'SELECT event_id, recipient_id FROM notification ORDER BY 1, 2')
    await of().sql('notifications', `DELETE FROM notification WHERE kind = 'task.created'`)
    const body = { service: 'notifications', topic: 'task.created', position: 0, reason: 'rows were lost' }
    const answer = await asAdmin('POST', '/admin/replay', body)
    assert.equal(answer.status, 202)
    const history = await published(of(), 'task.created')
    assert.equal(z.object({ count: z.number() }).parse(answer.body).count, history.length)
    await eventually(
      () => notified(task),
      (count) => count === 1,
    )
    const rows = async () => {
      const all = await of().sql('notifications', 'SELECT event_id, recipient_id FROM notification')
      return new Set(all.map((row) => JSON.stringify(row)))
    }
    await eventually(rows, (now) => before.every((row) => now.has(JSON.stringify(row))))
  })

  test('the admin API is for administrators only, and says which field is at fault', async () => {
    const { owner } = people()
    for (const [method, path] of [
      ['GET', '/admin/dlq'],
      ['POST', `/admin/dlq/reprocess/${randomUUID()}`],
      ['DELETE', '/admin/dlq'],
      ['POST', '/admin/replay'],
      ['GET', '/admin/metrics'],
    ] as const) {
      assert.equal((await of().call(method, path)).status, 401)
      assert.equal((await of().call(method, path, { token: owner.token })).status, 403)
    }
    const faults: readonly (readonly [string, string, readonly string[], unknown?])[] = [
      ['GET', '/admin/dlq?limit=0', ['limit']],
      ['GET', '/admin/dlq?after=last', ['after']],
      ['POST', '/admin/dlq/reprocess/all', ['id']],
      ['DELETE', '/admin/dlq?reason=', ['reason']],
      ['GET', '/admin/metrics?format=xml', ['format']],
      ['POST', '/admin/replay', ['service'], { service: 'nobody', topic: 'task.created', position: 0 }],
      ['POST', '/admin/replay', ['topic'], { service: 'notifications', topic: 'elsewhere', position: 0 }],
      ['POST', '/admin/replay', ['position'], { service: 'notifications', topic: 'task.created' }],
      ['POST', '/admin/replay', ['position'], { service: 'notifications', topic: 'task.created', position: -1 }],
    ]
    for (const [method, path, fields, body] of faults) {
      const answer = await asAdmin(method, path, body)
      assert.deepEqual([path, answer.status, answer.fields], [path, 422, fields])
    }
    assert.equal((await asAdmin('POST', '/admin/dlq/reprocess/notifications-999999')).status, 404)
  })
}
