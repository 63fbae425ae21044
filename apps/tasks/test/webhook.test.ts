import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import { eventually, published, startTeam, type Team } from './team.ts'

interface Posted {
  readonly key: string
  readonly correlationId: string
  readonly text: string
  readonly email: string | null
}

const letter = z.object({
  notification_id: z.uuid(),
  recipient: z.object({ user_id: z.uuid(), email: z.string().nullable() }),
  text: z.string(),
})

describe('delivery of notifications by a webhook', () => {
  const posted: Posted[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    request.on('end', async () => {
      const { notification_id, recipient, text } = letter.parse(JSON.parse(body))
      const { 'idempotency-key': key, 'x-correlation-id': correlationId } = request.headers
      assert.equal(key, notification_id)
      posted.push({ key: notification_id, correlationId: String(correlationId), text, email: recipient.email })
      const tries = posted.filter((each) => each.key === notification_id).length
      if (text.includes('never')) response.statusCode = 503
      if (text.includes('second time') && tries < 2) response.statusCode = 500
      if (text.includes('too late')) await sleep(600)
      response.end()
    })
  })
  let team: Team
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    team = await startTeam({
      ...{ EVENTS_BROKER: 'postgres', ANALYTICS_BROKER: 'postgres' },
      ...{ NOTIFY_WEBHOOK_URL: `http://127.0.0.1:${port}/`, NOTIFY_TIMEOUT_MS: '300' },
    })
  })
  after(async () => {
    await team?.stop()
    server.closeAllConnections()
    server.close()
  })

  const settled = async (topic: string, task: string) => {
    const rows = await team.sql('notifications', 'SELECT id FROM notification WHERE task_id = $1', [task])
    return (await published(team, topic)).filter(({ key }) => key === rows[0]?.['id'])
  }
  const attempts = (text: string) => posted.filter((each) => each.text.endsWith(text))

  test('it is posted with its id as idempotency key, and notification.sent is published', async () => {
    const task = await team.task(team.admin, 'at once', [team.admin])
    const [sent] = await eventually(
      () => settled('notification.sent', task),
      (found) => found.length === 1,
    )
    assert.equal(JSON.parse(sent?.payload ?? '').channel, 'webhook')
    const [one, ...more] = attempts('at once')
    assert.deepEqual([one?.email, one?.correlationId, more], ['boss@example.com', sent?.correlationId, []])
  })

  test('an attempt that fails is made again, under the same key', async () => {
    const task = await team.task(team.admin, 'the second time', [team.admin])
    await eventually(
      () => settled('notification.sent', task),
      (found) => found.length === 1,
    )
    const keys = attempts('the second time').map(({ key }) => key)
    assert.deepEqual([keys.length, new Set(keys).size], [2, 1])
  })

  for (const [title, error] of [
    ['never', 'the webhook answered 503'],
    ['too late', 'no answer within 300 ms'],
  ] as const) {
    test(`after 3 attempts (${error}) it has failed: notification.failed, and nothing more is tried`, async () => {
      const task = await team.task(team.admin, title, [team.admin])
      const [failed] = await eventually(
        () => settled('notification.failed', task),
        (found) => found.length === 1,
      )
      const { attempts: made, error: told } = JSON.parse(failed?.payload ?? '')
      assert.deepEqual([made, told, attempts(title).length], [3, error, 3])
      const [row] = await team.sql('notifications', 'SELECT status, attempts FROM notification WHERE task_id = $1', [
        task,
      ])
      assert.deepEqual(row, { status: 'failed', attempts: 3 })
      assert.deepEqual(await settled('notification.sent', task), [])
    })
  }

  test('an attempt in which the process ended counts: after the third the outcome is said to be lost', async () => {
    const task = await team.task(team.admin, 'was left open', [team.admin])
    await eventually(
      () => settled('notification.sent', task),
      (found) => found.length === 1,
    )
    // As a process leaves it that ended within its third attempt, once its claim is over.
    await team.sql(
      'notifications',
      `UPDATE notification SET status = 'pending', attempts = 3, try_after = now() WHERE task_id = $1`,
      [task],
    )
    const [failed] = await eventually(
      () => settled('notification.failed', task),
      (found) => found.length === 1,
    )
    assert.match(JSON.parse(failed?.payload ?? '').error, /outcome/)
    assert.equal(attempts('was left open').length, 1)
  })
})
