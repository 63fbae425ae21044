import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import pg from 'pg'
import { addressOf } from '../../../engines/application/database-server.ts'
import { eventually, type Member, type People, published, type Team, type Told } from './team.ts'

/** What must be so of the services, whichever broker stands between them. */
export function eventsHold(of: () => Team, people: () => People): void {
  const about = (task: string, kind: string) => (inbox: readonly Told[]) =>
    inbox.filter((each) => each.task_id === task && each.kind === kind)
  const told = (member: Member, task: string, kind: string) =>
    eventually(
      async () => about(task, kind)(await of().inbox(member)),
      (found) => found.length > 0,
    )
  const ofKey = async (topic: string, key: string) =>
    (await published(of(), topic)).filter((message) => message.key === key)

  test('each service has a PostgreSQL database of its own, which no other may enter', async () => {
    const services = ['auth', 'tasks', 'notifications']
    for (const service of services) {
      for (const database of services.filter((name) => name !== service)) {
        const client = new pg.Client({
          connectionString: addressOf(of().system.server, `team_${database}`, `team_${service}`),
        })
        await assert.rejects(client.connect(), { code: '42501' })
        await client.end()
      }
    }
    assert.deepEqual(await of().sql('auth', `SELECT FROM pg_tables WHERE tablename IN ('task', 'notification')`), [])
  })

  test('POST /api/tasks/ stores the task and publishes task.created {task_id, title, worker_ids}', async () => {
    const { owner, worker } = people()
    const id = await of().task(owner, 'Write it down', [worker])
    const [row] = await of().sql('tasks', 'SELECT title, creator_id FROM task WHERE id = $1', [id])
    assert.deepEqual(row, { title: 'Write it down', creator_id: owner.id })
    const [message, ...more] = await eventually(
      () => ofKey('task.created', id),
      (found) => found.length > 0,
    )
    assert.deepEqual(more, [])
    assert.equal(message?.type, 'task.created')
    assert.deepEqual(JSON.parse(message?.payload ?? ''), {
      ...{ task_id: id, title: 'Write it down', worker_ids: [worker.id] },
    })
  })

  test('a task whose transaction fails at its very end is neither stored nor published', async () => {
    const { owner } = people()
    await of().sql(
      'tasks',
      `CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'undone'; END $$;
        CREATE CONSTRAINT TRIGGER undo AFTER INSERT ON task DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW WHEN (NEW.title = 'Undone') EXECUTE FUNCTION undo()`,
    )
    const answer = await of().call('POST', '/api/tasks/', { token: owner.token, body: { title: 'Undone' } })
    assert.equal(answer.status, 500)
    const behind = await of().task(owner, 'Behind it')
    await eventually(
      () => ofKey('task.created', behind),
      (found) => found.length > 0,
    )
    assert.deepEqual(await of().sql('tasks', `SELECT FROM task WHERE title = 'Undone'`), [])
    const all = await published(of(), 'task.created')
    assert.deepEqual(
      all.filter(({ payload }) => payload.includes('Undone')),
      [],
    )
  })

  test('every event type of the system is published in a topic of its own', async () => {
    const { owner, worker } = people()
    const gone = await of().member()
    await of().call('PATCH', `/api/users/${gone.id}`, { token: gone.token, body: { name: 'Renamed' } })
    await of().call('DELETE', `/api/users/${gone.id}`, { token: gone.token })
    const id = await of().task(owner, 'All of it', [worker])
    const { token } = owner
    await of().call('PATCH', `/api/tasks/${id}`, { token, body: { title: 'All of it, again' } })
    await of().call('POST', `/api/tasks/${id}/assign`, { token, body: { worker_ids: [people().other.id] } })
    await of().call('POST', `/api/tasks/${id}/complete`, { token })
    await of().call('DELETE', `/api/tasks/${id}`, { token })
    for (const type of ['user.created', 'user.updated', 'user.deleted']) {
      const found = await eventually(
        () => ofKey(type, gone.id),
        (messages) => messages.length > 0,
      )
      assert.deepEqual(
        found.map((message) => message.type),
        [type],
      )
    }
    for (const type of ['task.created', 'task.updated', 'task.assigned', 'task.completed', 'task.deleted']) {
      const found = await eventually(
        () => ofKey(type, id),
        (messages) => messages.length > 0,
      )
      assert.deepEqual(
        found.map((message) => message.type),
        [type],
      )
    }
    const sent = await eventually(
      () => published(of(), 'notification.sent'),
      (messages) => messages.length > 0,
    )
    assert.equal(sent[0]?.type, 'notification.sent')
  })

  test('task.created and task.assigned notify each worker', async () => {
    const { owner, worker, other } = people()
    const id = await of().task(owner, 'For two', [worker])
    const body = { worker_ids: [worker.id, other.id] }
    await of().call('POST', `/api/tasks/${id}/assign`, { token: owner.token, body })
    const [given] = await told(worker, id, 'task.created')
    assert.equal(given?.text, 'You were given a task: For two')
    await told(other, id, 'task.assigned')
    // Who had it already was not assigned.
    assert.deepEqual(about(id, 'task.assigned')(await of().inbox(worker)), [])
    assert.deepEqual(about(id, 'task.created')(await of().inbox(owner)), [])
  })

  test('task.updated notifies the administrator', async () => {
    const { owner, worker } = people()
    const id = await of().task(owner, 'To be changed', [worker])
    const answer = await of().call('PATCH', `/api/tasks/${id}`, { token: owner.token, body: { title: 'Changed' } })
    assert.equal(answer.status, 200)
    const [seen] = await told(of().admin, id, 'task.updated')
    assert.equal(seen?.text, 'A task was changed: Changed')
    assert.deepEqual(about(id, 'task.updated')(await of().inbox(worker)), [])
  })

  test('task.completed notifies the creator', async () => {
    const { owner, worker } = people()
    const id = await of().task(owner, 'To be done', [worker])
    await of().call('POST', `/api/tasks/${id}/complete`, { token: worker.token })
    await told(owner, id, 'task.completed')
    assert.deepEqual(about(id, 'task.completed')(await of().inbox(worker)), [])
  })

  test('a duplicate event makes no second notification', async () => {
    const { owner, worker } = people()
    const id = await of().task(owner, 'Only once', [worker])
    await told(worker, id, 'task.created')
    const [message] = await ofKey('task.created', id)
    assert.ok(message !== undefined)
    const sink = of().system.brokers.events.sink('tasks')
    // By somebody who numbers by himself, so that nothing but the id tells that it is the same; then one behind it.
    const from = { source: 'somebody-else', epoch: randomUUID() }
    const marker = { ...message, ...from, id: randomUUID(), position: 2n, key: message.key }
    await sink.send([{ message: { ...message, ...from, position: 1n }, partition: 0, previous: 0n }])
    await sink.send([{ message: marker, partition: 0, previous: 1n }])
    await eventually(
      async () => about(id, 'task.created')(await of().inbox(worker)),
      (found) => found.length === 2,
    )
    const rows = await of().sql('notifications', 'SELECT event_id FROM notification WHERE task_id = $1', [id])
    assert.deepEqual(rows.map(({ event_id }) => event_id).toSorted(), [message.id, marker.id].toSorted())
  })

  test('delivery reports notification.sent, with the notification and the event that it follows from', async () => {
    const { owner, worker } = people()
    const id = await of().task(owner, 'To be delivered', [worker])
    const [row] = await eventually(
      () => of().sql('notifications', `SELECT id, event_id, status FROM notification WHERE task_id = $1`, [id]),
      (rows) => rows[0]?.['status'] === 'sent',
    )
    const [sent] = await eventually(
      () => ofKey('notification.sent', String(row?.['id'])),
      (found) => found.length > 0,
    )
    assert.deepEqual(JSON.parse(sent?.payload ?? ''), {
      ...{ notification_id: row?.['id'], recipient_id: worker.id, event_id: row?.['event_id'], channel: 'inbox' },
    })
    assert.equal(sent?.causationId, row?.['event_id'])
  })

  test('the correlation id of the request is in the answer, in all events that follow from it with its trace, and in the log', async () => {
    const { owner, worker } = people()
    const correlationId = `request-${randomUUID()}`
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const headers = { 'x-correlation-id': correlationId, traceparent }
    const body = { title: 'Traced', worker_ids: [worker.id] }
    const answer = await of().call('POST', '/api/tasks/', { token: owner.token, body, headers })
    assert.equal(answer.headers.get('x-correlation-id'), correlationId)
    for (const topic of ['task.created', 'notification.sent']) {
      const [message] = await eventually(
        async () => (await published(of(), topic)).filter((each) => each.correlationId === correlationId),
        (found) => found.length === 1,
      )
      assert.equal(message?.traceparent?.split('-')[1], traceparent.split('-')[1], 'the trace goes on')
    }
    const logged = of().lines.filter((line) => line['correlation_id'] === correlationId)
    assert.ok(logged.some((line) => line['route'] === '/api/tasks/'))
    assert.ok(logged.some((line) => line['notification_id'] !== undefined))
  })

  test('a deleted account is notified of nothing more, and its token is good for nothing', async () => {
    const { owner } = people()
    const gone = await of().member()
    await of().call('DELETE', `/api/users/${gone.id}`, { token: gone.token })
    for (const path of ['/api/tasks/', '/api/notifications', `/api/users/${gone.id}`]) {
      assert.equal((await of().call('GET', path, { token: gone.token })).status, 401)
    }
    await eventually(
      () => of().sql('notifications', 'SELECT FROM known_user WHERE id = $1 AND is_deleted', [gone.id]),
      ({ length }) => length === 1,
    )
    const id = await of().task(owner, 'For nobody', [gone, owner])
    await told(owner, id, 'task.created')
    const rows = await of().sql('notifications', 'SELECT recipient_id FROM notification WHERE task_id = $1', [id])
    assert.deepEqual(rows, [{ recipient_id: owner.id }])
  })
}
