import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { eventually, type People, published, type Team } from './team.ts'

const run = promisify(execFile)

/** What an operator expects to see with redis-cli. */
export function redisCliSees(of: () => Team, people: () => People): void {
  async function cli(...words: readonly string[]): Promise<readonly string[]> {
    const folder = join(of().home, 'redis')
    const port = /^port (\d+)$/m.exec(readFileSync(join(folder, 'redis.conf'), 'utf8'))?.[1] ?? ''
    const password = readFileSync(join(folder, 'redis.secret'), 'utf8')
    const { stdout } = await run('redis-cli', ['-p', port, ...words], {
      env: { PATH: process.env['PATH'], REDISCLI_AUTH: password },
    })
    return stdout.trimEnd().split('\n')
  }
  /** What redis-cli writes as name after value, as a table. */
  const pairs = (lines: readonly string[]): ReadonlyMap<string, string> =>
    new Map(lines.flatMap((line, at) => (at % 2 === 0 ? [[line, lines[at + 1] ?? ''] as const] : [])))

  test('XRANGE shows type, aggregate_id, aggregate_type, data and timestamp in events:task.created', async () => {
    const { owner, worker } = people()
    const title = `seen ${randomUUID()}`
    const id = await of().task(owner, title, [worker])
    const [, ...words] = await eventually(
      () => cli('XREVRANGE', 'events:task.created', '+', '-', 'COUNT', '1'),
      (lines) => lines.includes(id),
    )
    const fields = pairs(words)
    assert.deepEqual(
      [...fields.keys()].filter((name) => name !== 'estafet'),
      ['type', 'aggregate_id', 'aggregate_type', 'data', 'timestamp'],
    )
    assert.deepEqual([fields.get('type'), fields.get('aggregate_id')], ['task.created', id])
    assert.equal(fields.get('aggregate_type'), 'task')
    assert.deepEqual(JSON.parse(fields.get('data') ?? ''), { task_id: id, title, worker_ids: [worker.id] })
    assert.match(fields.get('timestamp') ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  })

  test('there is one stream for each type, and event_dlq', async () => {
    const keys = (await cli('--scan', '--pattern', 'event*')).toSorted()
    const types = ['user.created', 'user.updated', 'user.deleted', 'notification.sent', 'event_dlq']
    const ofTasks = ['created', 'updated', 'deleted', 'assigned', 'completed'].map((name) => `task.${name}`)
    const names = [...types, ...ofTasks].map((type) => (type === 'event_dlq' ? type : `events:${type}`))
    assert.deepEqual(keys, names.toSorted())
  })

  test('XINFO GROUPS shows the group of each service, and its lag goes to 0', async () => {
    const ours = async () => {
      const lines = await cli('XINFO', 'GROUPS', 'events:user.deleted')
      const groups: ReadonlyMap<string, string>[] = []
      for (let at = 0; at < lines.length; at += 12) groups.push(pairs(lines.slice(at, at + 12)))
      return groups.filter((group) => group.get('name') !== 'test-reader')
    }
    const groups = await eventually(ours, (found) => found.every((group) => group.get('lag') === '0'))
    assert.deepEqual(groups.map((group) => group.get('name')).toSorted(), ['notifications', 'tasks'])
  })

  test('XINFO STREAM shows as many entries as there were events', async () => {
    const info = pairs(await cli('XINFO', 'STREAM', 'events:task.created'))
    const { length } = await published(of(), 'task.created')
    assert.deepEqual([info.get('length'), info.get('entries-added')], [String(length), String(length)])
  })

  test('XRANGE event_dlq shows original_id, error and failed_at', async () => {
    const [dead] = await published(of(), 'event_dlq')
    const fields = pairs((await cli('XRANGE', 'event_dlq', '-', '+', 'COUNT', '1')).slice(1))
    assert.equal(fields.get('original_id'), dead?.key)
    assert.match(fields.get('error') ?? '', /./)
    assert.match(fields.get('failed_at') ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  })
}
