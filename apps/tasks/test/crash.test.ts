import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { findRedis } from '../../../engines/redis/binaries.ts'
import { inAnalytics } from './analytics.ts'
import { eventually, startTeam } from './team.ts'

const home = mkdtempSync(join(tmpdir(), 'estafet-tasks-'))
after(() => rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }))

const credentials = { email: 'boss@example.com', password: 'correct horse battery' }
const environment = {
  ...{ TASKS_HOME: home, ADMIN_EMAIL: credentials.email, ADMIN_PASSWORD: credentials.password },
  ...{ EVENTS_BROKER: findRedis() === null ? 'postgres' : 'redis', ANALYTICS_BROKER: 'postgres' },
}

test(`killed again and again while tasks are made, the program (on ${environment.EVENTS_BROKER}) notifies and counts each task once`, async () => {
  const answered: string[] = []
  for (let kill = 1; kill <= 3; kill++) {
    const { child, url } = await started()
    const making = makeTasks(url, answered)
    while (answered.length < kill * 40) await sleep(5)
    child.kill('SIGKILL')
    await making
  }
  const team = await startTeam(environment)
  try {
    const ids = async (service: string, column: string, table: string) =>
      (await team.sql(service, `SELECT ${column}::text AS id FROM ${table} ORDER BY 1`)).map(({ id }) => String(id))
    // The task whose answer the kill took may be there or not; all that were answered are.
    const made = await ids('tasks', 'id', 'task')
    assert.deepEqual(
      answered.filter((id) => !made.includes(id)),
      [],
    )
    await eventually(
      () => ids('notifications', 'task_id', `notification WHERE status = 'sent'`),
      (told) => told.length >= made.length,
    )
    assert.deepEqual(await ids('notifications', 'task_id', 'notification'), made)
    const counted = await eventually(
      async () => inAnalytics(team, 'SELECT task_id FROM task_events ORDER BY task_id').map(({ task_id }) => task_id),
      (rows) => rows.length >= made.length,
    )
    assert.deepEqual(counted, made)
    // One report for each notification: it was published in the transaction that wrote it down.
    const reports = `SELECT count(*)::int AS n, count(DISTINCT key)::int AS keys FROM estafet.outbox
      WHERE type = 'notification.sent'`
    const [row] = await team.sql('notifications', reports)
    assert.deepEqual(row, { n: made.length, keys: made.length })
  } finally {
    await team.stop()
  }
})

/** `npm start`, ready. */
async function started(): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const path = fileURLToPath(new URL('../main.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=estafet-source', path], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  while (!said.includes('Ctrl-C ends it')) {
    assert.equal(child.exitCode, null, said)
    await sleep(20)
  }
  return { child, url: /(http:\/\/127\.0\.0\.1:\d+\/)openapi\.json/.exec(said)?.[1] ?? '' }
}

/** As the administrator, who gives each task to himself; notes the ids of those that were answered. */
async function makeTasks(url: string, answered: string[]): Promise<void> {
  const post = async (path: string, body: object, headers: Record<string, string> = {}): Promise<unknown> => {
    const answer = await fetch(new URL(path, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    assert.ok(answer.ok, String(answer.status))
    return await answer.json()
  }
  const { access_token: token } = z
    .object({ access_token: z.string() })
    .parse(await post('/api/auth/login', credentials))
  const [, claims = ''] = token.split('.')
  const { sub } = z.object({ sub: z.uuid() }).parse(JSON.parse(Buffer.from(claims, 'base64url').toString()))
  for (;;) {
    try {
      const task = { title: `Task ${answered.length}`, worker_ids: [sub] }
      const made = await post('/api/tasks/', task, { authorization: `Bearer ${token}` })
      answered.push(z.object({ id: z.uuid() }).parse(made).id)
    } catch (error) {
      // What the end of its server looks like; anything else is a fault of the test.
      if (error instanceof TypeError) return
      throw error
    }
  }
}
