import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer, Producer } from '@platformatic/kafka'
import { UnusableSettings } from '../../../engines/application/settings.ts'
import { howToGetKafka, kafkaInstallation } from '../../../engines/kafka/installation.ts'
import { type KafkaServer, temporaryKafka } from '../../../engines/kafka/server.ts'
import { settingsOf } from '../system/settings.ts'
import { type System, startSystem } from '../system/system.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const home = mkdtempSync(join(tmpdir(), 'estafet-games-'))
const skip = kafkaInstallation() === null ? `get it by: ${howToGetKafka}` : false

describe('the games application on a Kafka that others use, too', { skip }, () => {
  let kafka: KafkaServer
  let system: System
  const settings = (replicas: string) =>
    settingsOf({ KAFKA_BROKERS: kafka.bootstrap, KAFKA_REPLICAS: replicas, GAMES_HOME: home })
  before(async () => {
    kafka = await temporaryKafka()
    system = await startSystem(settings('1'), silent)
  })
  after(async () => {
    await system?.stop()
    await kafka?.stop()
    rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  })

  const consumed = async (id: string) =>
    (
      await system.scoreboard.pool.query<{ partition: number; kafka_offset: string }>(
        'SELECT partition, kafka_offset::text FROM consumed_events WHERE event_id = $1',
        [id],
      )
    ).rows
  const gamesOf = async (chat: string) =>
    (await system.scoreboard.pool.query<{ games: number }>('SELECT games FROM chats WHERE chat_id = $1', [chat])).rows

  test('an event that a stock producer writes twice, with an id and nothing of ours, has its effect once', async () => {
    const [id, behind] = [randomUUID(), randomUUID()]
    const record = (eventId: string, game: string) => ({
      ...{ topic: 'game-events', partition: 1, key: 'elsewhere' },
      value: JSON.stringify({ game_id: game, chat_id: 'elsewhere' }),
      headers: { ce_specversion: '1.0', ce_id: eventId, ce_type: 'game.finished', ce_source: 'elsewhere' },
    })
    const producer = new Producer({
      ...{ clientId: 'stock', bootstrapBrokers: [kafka.bootstrap] },
      serializers: { key: utf8, value: utf8, headerKey: utf8, headerValue: utf8 },
    })
    await producer.send({ messages: [record(id, 'e-1')] })
    await producer.send({ messages: [record(id, 'e-2'), record(behind, 'e-3')] })
    await producer.close()
    await eventually(async () => (await consumed(behind)).length === 1)
    assert.deepEqual(await consumed(id), [{ partition: 1, kafka_offset: '0' }])
    assert.deepEqual(await gamesOf('elsewhere'), [{ games: 2 }])
  })

  test('what plain SQL published, a stock consumer reads as plain JSON under the key of the game', async () => {
    await system.games.pool.query(
      `INSERT INTO outbox_events (event_type, aggregate_type, aggregate_id, payload)
      VALUES ('game.finished', 'game', 'g-1', '{"game_id": "g-1", "chat_id": "c-1"}')`,
    )
    const consumer = new Consumer({ clientId: 'stock', groupId: 'stock', bootstrapBrokers: [kafka.bootstrap] })
    const stream = await consumer.consume({ topics: ['game-events'], mode: 'earliest', autocommit: false })
    for await (const { key, value } of stream) {
      if (key?.toString() !== 'g-1') continue
      assert.deepEqual(JSON.parse(value?.toString() ?? ''), { game_id: 'g-1', chat_id: 'c-1' })
      break
    }
    await consumer.close(true)
  })

  test('a Kafka that can lose messages is refused, unless one copy is what was asked for', async () => {
    const other = mkdtempSync(join(tmpdir(), 'estafet-games-'))
    await assert.rejects(startSystem({ ...settings('3'), GAMES_HOME: other }, silent), (error) => {
      return error instanceof UnusableSettings && /can lose messages.*KAFKA_REPLICAS/.test(error.message)
    })
    rmSync(other, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  })
})

const utf8 = (text?: string): Buffer => Buffer.from(text ?? '')

async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error('not seen within 30 s')
    await sleep(25)
  }
}
