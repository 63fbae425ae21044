import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger, StoredMessage } from 'estafet'
import pg from 'pg'
import { addressOf } from '../../../engines/application/database-server.ts'
import type { OutboxRow } from '../games/rows.ts'
import { GameFinished } from '../messages.ts'
import type { ConsumedRow } from '../scoreboard/rows.ts'
import type { Settings } from '../system/settings.ts'
import { type System, startSystem } from '../system/system.ts'
import { type TopicMessage, topicMessages } from '../web/topic.ts'

export interface Step {
  readonly says: string
  /** Resolves to what was seen; rejects with what was not. */
  readonly holds: () => Promise<string>
}

/** The life of one event, step by step; call `end` whatever happened. */
export function steps(settings: Settings, logger: Logger): { readonly steps: readonly Step[]; end(): Promise<void> } {
  const game = `smoke-${randomUUID()}`
  const chat = `chat-${game}`
  const [first, second] = [randomUUID(), randomUUID()]
  let system: System
  let message: TopicMessage

  const outbox = async (id: string) => {
    const text = 'SELECT status, publish_attempts, published_at FROM outbox_events WHERE id = $1'
    return (await system.games.pool.query<OutboxRow>(text, [id])).rows[0]
  }
  const consumed = async (group: string) => {
    const text = `SELECT event_id, partition, kafka_offset::text, consumed_at FROM consumed_events
      WHERE consumer_group = $1 AND event_id = ANY ($2) ORDER BY consumed_at`
    return (await system.scoreboard.pool.query<ConsumedRow>(text, [group, [first, second]])).rows
  }
  const gamesOf = async (group: string) => {
    const text = 'SELECT games FROM chats WHERE consumer_group = $1 AND chat_id = $2'
    return (await system.scoreboard.pool.query<{ games: number }>(text, [group, chat])).rows[0]?.games
  }

  return {
    end: async () => system?.stop(),
    steps: [
      {
        says: 'engines up',
        async holds() {
          system = await startSystem(settings, logger)
          return `${system.server.says}; broker: ${system.broker.says}`
        },
      },
      {
        says: 'schema there',
        async holds() {
          await system.games.pool.query(`SELECT id, event_type, aggregate_type, aggregate_id, payload, created_at,
            publish_attempts, last_error, published_at, idempotency_key, status FROM outbox_events LIMIT 0`)
          await system.scoreboard.pool.query(
            'SELECT event_id, event_type, topic, partition, kafka_offset, consumed_at FROM consumed_events LIMIT 0',
          )
          return 'outbox_events and consumed_events'
        },
      },
      {
        says: 'row inserted',
        async holds() {
          await insert(system, { id: first, game, chat })
          return 'by plain SQL, as a role that may do nothing but insert'
        },
      },
      {
        says: 'bad payload refused',
        async holds() {
          await assert.rejects(insert(system, { id: randomUUID(), game, chat: '' }), /payload_needs_chat_id/)
          return 'by a constraint that names the field'
        },
      },
      {
        says: 'row sent',
        async holds() {
          const row = await eventually(
            () => outbox(first),
            (found) => found?.status === 'sent',
          )
          assert.ok(row !== undefined && row.published_at !== null && row.publish_attempts >= 1)
          return `after ${row.publish_attempts} attempt(s)`
        },
      },
      {
        says: 'message in the topic',
        async holds() {
          const found = (await topicMessages(system.broker.topic().feed, 1000)).find(({ id }) => id === first)
          assert.ok(found !== undefined, `${GameFinished.topic} has no message of that id`)
          message = found
          return `${GameFinished.topic}, partition ${found.partition}, offset ${found.offset}`
        },
      },
      {
        says: 'effect recorded',
        async holds() {
          const [row] = await eventually(
            () => consumed('scoreboard'),
            (rows) => rows.length === 1,
          )
          assert.deepEqual([row?.partition, row?.kafka_offset], [message.partition, message.offset])
          assert.equal(await gamesOf('scoreboard'), 1)
          return 'in consumed_events, with the place of the message, and in the read model'
        },
      },
      {
        says: 'duplicate ignored',
        async holds() {
          await sendAgain(system, message, { game_id: `${game}-again`, chat_id: chat })
          // Of the same game, and so behind the duplicate in its partition.
          await insert(system, { id: second, game, chat })
          const rows = await eventually(
            () => consumed('scoreboard'),
            (found) => found.length > 1,
          )
          assert.deepEqual(
            rows.map(({ event_id }) => event_id),
            [first, second],
          )
          assert.equal(await gamesOf('scoreboard'), 1)
          return 'the same id, sent to the topic by somebody else'
        },
      },
      {
        says: 'replay works',
        async holds() {
          const before = await consumed('scoreboard')
          const group = `replay-${randomUUID().slice(0, 8)}`
          await system.startGroup(group)
          const rows = await eventually(
            () => consumed(group),
            (found) => found.length === 2,
          )
          assert.deepEqual([rows.length, await gamesOf(group)], [2, 1])
          assert.deepEqual(await consumed('scoreboard'), before)
          return `the group ${group} read the topic from the beginning; the effects of scoreboard are as they were`
        },
      },
    ],
  }
}

/** As any program in any language would. */
async function insert(system: System, row: { id: string; game: string; chat: string }): Promise<void> {
  const client = new pg.Client({ connectionString: addressOf(system.server, 'games', 'referee') })
  await client.connect()
  try {
    await client.query(
      `INSERT INTO outbox_events (id, event_type, aggregate_type, aggregate_id, payload)
      VALUES ($1, 'game.finished', 'game', $2, jsonb_build_object('game_id', $2::text, 'chat_id', $3::text))`,
      [row.id, row.game, row.chat],
    )
  } finally {
    await client.end()
  }
}

/** The same event once more, by a writer that knows nothing of our relay and says something else: only the id counts. */
function sendAgain(system: System, { id, type, key, partition }: TopicMessage, data: object): Promise<void> {
  const message: StoredMessage = {
    ...{ id, type, key, payload: JSON.stringify(data), topic: GameFinished.topic, version: 1, headers: {} },
    ...{ correlationId: id, causationId: null, traceparent: null },
    ...{ source: 'somebody-else', epoch: randomUUID(), position: 1n, time: new Date().toISOString() },
  }
  return system.broker.sink.send([{ message, partition, previous: 0n }])
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
