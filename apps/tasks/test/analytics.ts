import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { analyticsFile } from '../analytics/file.ts'
import { eventually, type People, type Team } from './team.ts'

type Row = Record<string, unknown>

/** What is in the SQLite file of analytics, as anybody reads it. */
export function inAnalytics(team: Team, text: string, ...values: readonly (string | number)[]): readonly Row[] {
  const database = new DatabaseSync(analyticsFile(team.home), { readOnly: true })
  try {
    return database.prepare(text).all(...values)
  } finally {
    database.close()
  }
}

/** What must be so of analytics, whichever broker there is. */
export function analyticsHolds(of: () => Team, people: () => People): void {
  const rowsOf = (task: string) =>
    inAnalytics(
      of(),
      'SELECT id, event_type, task_id, task_text, task_owner_id FROM task_events WHERE task_id = ? ORDER BY rowid',
      task,
    )

  test('analytics stores one row per task event in its SQLite file, with the id TASK_CREATED_<task id>', async () => {
    const { owner, worker } = people()
    const task = await of().task(owner, 'Counted', [worker])
    const rows = await eventually(
      async () => rowsOf(task),
      (found) => found.length > 0,
    )
    assert.deepEqual(
      rows.map((row) => ({ ...row })),
      [
        {
          ...{ id: `TASK_CREATED_${task}`, event_type: 'TASK_CREATED' },
          ...{ task_id: task, task_text: 'Counted', task_owner_id: owner.id },
        },
      ],
    )
  })

  test('each kind of event of a task has its row, and what happens twice has two', async () => {
    const { owner, worker } = people()
    const { token } = owner
    const task = await of().task(owner, 'Much to come')
    for (const title of ['Once', 'Twice']) await of().call('PATCH', `/api/tasks/${task}`, { token, body: { title } })
    await of().call('POST', `/api/tasks/${task}/assign`, { token, body: { worker_ids: [worker.id] } })
    await of().call('POST', `/api/tasks/${task}/complete`, { token })
    await of().call('DELETE', `/api/tasks/${task}`, { token })
    const rows = await eventually(
      async () => rowsOf(task),
      (found) => found.length === 6,
    )
    const kinds = ['CREATED', 'UPDATED', 'UPDATED', 'ASSIGNED', 'COMPLETED', 'DELETED'].map((name) => `TASK_${name}`)
    assert.deepEqual(
      rows.map((row) => row['event_type']),
      kinds,
    )
    assert.deepEqual(
      rows.map((row) => row['task_text']),
      ['Much to come', 'Once', 'Twice', 'Twice', 'Twice', 'Twice'],
    )
  })

  test('its HTTP interface is for administrators, and its lag goes to 0', async () => {
    const { owner, worker } = people()
    const task = await of().task(owner, 'Seen by the boss', [worker])
    const path = `/api/analytics/task-events?task_id=${task}`
    assert.equal((await of().call('GET', path, { token: owner.token })).status, 403)
    await eventually(
      async () => (await of().call('GET', path, { token: of().admin.token })).body,
      (body) => JSON.stringify(body).includes(`TASK_CREATED_${task}`),
    )
    await eventually(
      async () => (await of().call('GET', '/admin/metrics?format=prometheus', { token: of().admin.token })).body,
      (text) => String(text).includes('team_tasks_lag_messages{service="analytics",topic="task_events"} 0\n'),
    )
  })
}
