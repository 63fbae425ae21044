import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { howToGetKafka, kafkaInstallation } from '../../../engines/kafka/installation.ts'
import { type KafkaServer, temporaryKafka } from '../../../engines/kafka/server.ts'
import { inAnalytics } from './analytics.ts'
import { howToGetPython, pythonWithKafka } from './python/virtual-environment.ts'
import { eventually, startTeam, type Team } from './team.ts'

const python = pythonWithKafka()
const missing = [...(kafkaInstallation() === null ? [howToGetKafka] : []), ...(python === null ? [howToGetPython] : [])]
const skip = missing.length > 0 ? `get them by: ${missing.join('; ')}` : false
const script = (name: string): string => fileURLToPath(new URL(`python/${name}.py`, import.meta.url))

describe('stock kafka-python clients of the topic task_events', { skip }, () => {
  let kafka: KafkaServer
  let team: Team
  const children: ChildProcess[] = []
  before(async () => {
    kafka = await temporaryKafka()
    const kafkaSettings = { KAFKA_BROKERS: kafka.bootstrap, KAFKA_REPLICAS: '1' }
    team = await startTeam({ EVENTS_BROKER: 'postgres', ANALYTICS_BROKER: 'kafka', ...kafkaSettings })
  })
  after(async () => {
    for (const child of children) child.kill('SIGKILL')
    await team?.stop()
    await kafka?.stop()
  })

  const stored = (task: string) =>
    inAnalytics(
      team,
      'SELECT id, event_type, task_id, task_text, task_owner_id FROM task_events WHERE task_id = ?',
      task,
    ).map((row) => ({ ...row }))
  const produce = (values: readonly (string | Uint8Array | null)[]): void => {
    const encoded = values.map((value) => (value === null ? null : Buffer.from(value).toString('base64')))
    const input = JSON.stringify(encoded)
    execFileSync(python ?? '', [script('produce'), kafka.bootstrap], { input, timeout: 60_000, encoding: 'utf8' })
  }

  test('a consumer of the group analytics-group reads what tasks publishes, and analytics goes on beside it', async () => {
    const earlier = await team.task(team.admin, 'Before anybody else')
    await eventually(
      async () => stored(earlier),
      (rows) => rows.length === 1,
    )
    const consumer = spawn(python ?? '', [script('consume'), kafka.bootstrap], { stdio: ['ignore', 'pipe', 'ignore'] })
    children.push(consumer)
    const read: unknown[] = []
    assert.ok(consumer.stdout !== null)
    createInterface({ input: consumer.stdout }).on('line', (line) => read.push(JSON.parse(line)))
    await eventually(
      async () => read[0],
      (line) => line === 'ready',
    )
    const id = await team.task(team.admin, 'For both of us')
    const wanted = {
      event_type: 'TASK_CREATED',
      data: { id, owner_id: team.admin.id, text: 'For both of us' },
    }
    await eventually(
      async () => read.some((value) => JSON.stringify(value) === JSON.stringify(wanted)),
      (isRead) => isRead,
    )
    // A member of the group has all its partitions; what analytics keeps of its progress is its own.
    await eventually(
      async () => stored(id),
      (rows) => rows.length === 1,
    )
    const ended = new Promise((resolve) => consumer.once('exit', resolve))
    consumer.kill('SIGTERM')
    await ended
    const later = await team.task(team.admin, 'Without it again')
    await eventually(
      async () => stored(later),
      (rows) => rows.length === 1,
    )
  })

  test('analytics stores what a producer writes without headers, and skips what is no task event, with why', async () => {
    const [good, last, owner] = [randomUUID(), randomUUID(), randomUUID()]
    const created = (id: string, more: object = {}) =>
      JSON.stringify({ event_type: 'TASK_CREATED', data: { id, owner_id: owner, text: 'From Python', ...more } })
    produce([
      created(good),
      '{"event_type": "TASK_CREATED"',
      Uint8Array.from([0x7b, 0xc3, 0x28, 0x7d]),
      JSON.stringify({ event_type: 'TASK_ARCHIVED', data: { id: good, owner_id: owner, text: 'x' } }),
      JSON.stringify({ event_type: 'TASK_CREATED', data: { id: good, text: 'x' } }),
      created('not-a-uuid'),
      null,
      created(good, { text: 'Once more' }),
      created(last),
    ])
    await eventually(
      async () => stored(last),
      (rows) => rows.length === 1,
    )
    assert.deepEqual(stored(good), [
      {
        ...{ id: `TASK_CREATED_${good}`, event_type: 'TASK_CREATED', task_id: good },
        ...{ task_text: 'From Python', task_owner_id: owner },
      },
    ])
    const skipped = inAnalytics(team, 'SELECT reason FROM skipped_messages WHERE partition = 0 ORDER BY offset')
    assert.deepEqual(
      skipped.map(({ reason }) => reason),
      ['malformed', 'not-utf8', 'unknown-type', 'incomplete', 'incomplete', 'malformed'],
    )
  })
})
