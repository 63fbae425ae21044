import { EstafetError } from '../../message/errors.ts'
import type { Delivery } from '../../message/message.ts'
import type { Feed } from '../../ports/feed.ts'
import { type MessageRow, messageColumns, toMessage } from './message-row.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

/**
 * A topic of the PostgreSQL broker as a feed: its lanes are the partitions, its cursors the offsets.
 *
 * `sql` is a pool whose role is a member of the broker database's `reader` role. Throws MISCONFIGURED while the topic
 * does not exist, and when the number of its partitions changes.
 */
export function postgresTopicFeed(sql: Sql, topic: string): Feed {
  let partitions: number | null = null
  let seen = -1n

  async function ends(): Promise<{ epoch: string; ends: readonly bigint[] }> {
    const [row] = await run<{ epoch: string; ends: string }>(sql, endsStatement(topic))
    const offsets = row === undefined || row.ends === '' ? [] : row.ends.split(',').map(BigInt)
    if (row === undefined || offsets.length === 0) throw noTopic(topic)
    if (partitions !== null && partitions !== offsets.length) throw repartitioned(topic)
    partitions = offsets.length
    return { epoch: row.epoch, ends: offsets }
  }

  return {
    name: `topic:${topic}`,
    async open() {
      const now = await ends()
      return { epoch: now.epoch, lanes: now.ends.length }
    },

    async ends() {
      // A row of the partition is locked until its writer commits: what is below its last offset is final.
      return (await ends()).ends
    },

    async advance() {
      const sum = (await ends()).ends.reduce((total, end) => total + end, 0n)
      const hasMore = sum !== seen
      seen = sum
      return hasMore ? 'more' : 'idle'
    },

    async fetch(lane, after, limit) {
      const rows = await run<TopicRow>(sql, {
        name: 'estafet-topic-read',
        text: `SELECT ${messageColumns}, m."offset"::text AS "offset", m.previous::text AS previous, m.source
          FROM estafet.topic_messages AS m WHERE m.topic = $1 AND m.partition = $2::smallint AND m."offset" > $3::bigint
          ORDER BY m."offset" LIMIT $4::int`,
        values: [topic, lane, after.toString(), limit],
      })
      const deliveries: Delivery[] = rows.map((row) => ({
        message: toMessage(row, row.source),
        cursor: BigInt(row.offset),
        previous: BigInt(row.previous),
      }))
      return { deliveries, cursor: deliveries.at(-1)?.cursor ?? after, hasMore: rows.length >= limit }
    },
  }
}

interface TopicRow extends MessageRow {
  readonly offset: string
  readonly previous: string
  readonly source: string
}

function endsStatement(topic: string) {
  return {
    name: 'estafet-topic-ends',
    text: `SELECT h.epoch, array_to_string(ARRAY(SELECT e.last_offset FROM estafet.topic_ends AS e
      WHERE e.topic = $1 ORDER BY e.partition), ',') AS ends FROM estafet.outbox_head AS h`,
    values: [topic],
  }
}

function noTopic(topic: string): EstafetError {
  return new EstafetError('UNAVAILABLE', `The topic ${topic} does not exist yet; its relay makes it.`, {
    details: { topic },
  })
}

function repartitioned(topic: string): EstafetError {
  return new EstafetError(
    'MISCONFIGURED',
    `The number of partitions of ${topic} changed; stop its subscribers when they have read all, then start them anew.`,
    { details: { topic } },
  )
}
