import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Consumer, Producer } from '@platformatic/kafka'
import { inAnalytics } from './analytics.ts'
import { eventually, type People, type Team } from './team.ts'

/** What must be so of the topic `task_events` in Kafka, for clients who know nothing of us. */
export function taskEventsHold(bootstrap: () => string) {
  return (of: () => Team, people: () => People): void => {
    const event = (data: object, type: unknown = 'TASK_CREATED') => JSON.stringify({ event_type: type, data })
    const produce = async (values: readonly (string | Buffer)[], headers: Record<string, string> = {}) => {
      const producer = new Producer({ clientId: 'stock', bootstrapBrokers: [bootstrap()] })
      const own = new Map(Object.entries(headers).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]))
      await producer.send({
        messages: values.map((value) => ({
          ...{ topic: 'task_events', partition: 1, value: Buffer.from(value), headers: own },
        })),
      })
      await producer.close()
    }
    const skipped = () =>
      inAnalytics(of(), 'SELECT reason, details, offset FROM skipped_messages ORDER BY rowid').map((row) => ({
        ...row,
      }))
    /** Of a good event behind what was written, in the same partition: all before it were dealt with. */
    const behind = async () => {
      const good = { id: randomUUID(), owner_id: randomUUID(), text: 'behind' }
      await produce([event(good)])
      await eventually(
        async () => inAnalytics(of(), 'SELECT id FROM task_events WHERE task_id = ?', good.id),
        (rows) => rows.length === 1,
      )
    }

    test('tasks publishes to task_events exactly {"event_type": "TASK_CREATED", "data": {"id", "owner_id", "text"}}', async () => {
      const { owner } = people()
      const id = await of().task(owner, 'On the wire')
      const consumer = new Consumer({ clientId: 'stock', groupId: 'stock', bootstrapBrokers: [bootstrap()] })
      const stream = await consumer.consume({ topics: ['task_events'], mode: 'earliest', autocommit: false })
      for await (const { value } of stream) {
        const text = value?.toString() ?? ''
        if (!text.includes(id) || !text.includes('TASK_CREATED')) continue
        assert.equal(
          text,
          `{"event_type":"TASK_CREATED","data":{"id":"${id}","owner_id":"${owner.id}","text":"On the wire"}}`,
        )
        break
      }
      await consumer.close(true)
    })

    test('malformed messages, unknown types and incomplete data are skipped with a record of why; nothing stops', async () => {
      const before = skipped().length
      const [id, owner_id] = [randomUUID(), randomUUID()]
      await produce([
        '{"event_type": "TASK_CREATED", ',
        Buffer.from([0xff, 0xfe, 0x00]),
        '',
        '[]',
        'null',
        event({ id, owner_id, text: 'x' }, 'TASK_EXPLODED'),
        event({ id, owner_id, text: 'x' }, 7),
        event({ id, owner_id }),
        event({ id: 'seven', owner_id, text: 'x' }),
        JSON.stringify({ event_type: 'TASK_CREATED' }),
        `{"event_type":"TASK_CREATED","data":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      ])
      await behind()
      const reasons = skipped()
        .slice(before)
        .map(({ reason }) => reason)
      assert.deepEqual(reasons, [
        ...['malformed', 'not-utf8', 'malformed', 'malformed', 'malformed', 'unknown-type', 'unknown-type'],
        ...['incomplete', 'incomplete', 'incomplete', 'incomplete'],
      ])
      const details = skipped()
        .slice(before)
        .map((row) => String(row['details']))
      assert.match(details[7] ?? '', /data\.text/)
      assert.match(details[8] ?? '', /data\.id/)
      assert.ok(details.every((text) => !text.includes(id)))
      assert.deepEqual(inAnalytics(of(), 'SELECT id FROM task_events WHERE task_id = ?', id), [])
    })

    test('a message whose headers claim what its value is not is skipped, too', async () => {
      const before = skipped().length
      const headers = { ce_specversion: '1.0', ce_source: 'elsewhere' }
      const good = event({ id: randomUUID(), owner_id: randomUUID(), text: 'x' })
      await produce(['{no json'], { ...headers, ce_id: randomUUID(), ce_type: 'task-event.created' })
      await produce([good], { ...headers, ce_id: randomUUID(), ce_type: 'something.else' })
      await produce([good], { ...headers, ce_id: randomUUID(), ce_type: 'task-event.skipped' })
      await behind()
      assert.deepEqual(
        skipped()
          .slice(before)
          .map(({ reason }) => reason),
        ['malformed', 'unknown-type', 'unknown-type'],
      )
    })

    test('a version that nobody knows is skipped, and a chain that nothing leads up to holds up nothing', async () => {
      const before = skipped().length
      const headers = { ce_specversion: '1.0', ce_source: 'elsewhere', ce_type: 'task-event.created' }
      const made = async (more: Record<string, string>) => {
        const id = randomUUID()
        await produce([event({ id, owner_id: randomUUID(), text: 'x' })], { ...headers, ce_id: randomUUID(), ...more })
        return id
      }
      await made({ ce_eventversion: '7' })
      const chained = [
        await made({ ce_epoch: 'e', ce_position: '5', ce_previous: '0' }),
        await made({ ce_epoch: 'e', ce_position: '9', ce_previous: '7' }),
        await made({ ce_epoch: 'e', ce_position: '2', ce_previous: '0' }),
      ]
      await behind()
      const reasons = skipped().slice(before)
      assert.deepEqual(
        reasons.map(({ reason }) => reason),
        ['unknown-type'],
      )
      for (const id of chained) {
        assert.equal(inAnalytics(of(), 'SELECT id FROM task_events WHERE task_id = ?', id).length, 1)
      }
    })

    test('the same event twice, from whoever, makes one row', async () => {
      const { owner } = people()
      const id = await of().task(owner, 'By us')
      await eventually(
        async () => inAnalytics(of(), 'SELECT id FROM task_events WHERE task_id = ?', id),
        (rows) => rows.length === 1,
      )
      const again = event({ id: id.toUpperCase(), owner_id: randomUUID(), text: 'by others' })
      await produce([again, again])
      await behind()
      const rows = inAnalytics(of(), 'SELECT id, task_text FROM task_events WHERE lower(task_id) = ?', id)
      assert.deepEqual(
        rows.map((row) => ({ ...row })),
        [{ id: `TASK_CREATED_${id}`, task_text: 'By us' }],
      )
    })

    const kcat = ['kcat', 'kafkacat'].find((name) => spawnSync(name, ['-V'], { stdio: 'ignore' }).status === 0)
    const skip = kcat === undefined ? 'get it by: apt-get install kcat' : false
    test('kcat reads the topic', { skip }, async () => {
      const id = await of().task(people().owner, 'For operators')
      await eventually(
        async () => inAnalytics(of(), 'SELECT id FROM task_events WHERE task_id = ?', id),
        (rows) => rows.length === 1,
      )
      const words = ['-b', bootstrap(), '-t', 'task_events', '-C', '-e', '-q']
      const { stdout } = await promisify(execFile)(kcat ?? '', words, { timeout: 30_000 })
      assert.ok(stdout.split('\n').includes(event({ id, owner_id: people().owner.id, text: 'For operators' })))
    })
  }
}
