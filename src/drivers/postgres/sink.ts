import type { RelayedMessage, Sink } from '../../ports/sink.ts'
import type { UnitOfWork } from '../../ports/unit-of-work.ts'
import { fromHeaders } from './message-row.ts'
import { run } from './run.ts'
import type { Sql, Statement } from './sql.ts'

export interface PostgresSinkOptions {
  /** Names the broker; part of the relay's progress. */
  readonly name: string
  /** Of a topic that does not exist yet. (Default: 4.) */
  readonly partitions?: number
}

/** Topics in a PostgreSQL database. `sql` is a pool whose role is a member of that database's `relay` role. */
export function postgresSink(sql: Sql, unitOfWork: UnitOfWork<Sql>, options: PostgresSinkOptions): Sink {
  const known = new Map<string, number>()
  return {
    name: options.name,

    async partitions(topic) {
      const cached = known.get(topic)
      if (cached !== undefined) return cached
      const [row] = await run<{ count: number }>(sql, makeTopicStatement(topic, options.partitions ?? 4))
      const count = row?.count ?? 1
      known.set(topic, count)
      return count
    },

    async send(messages) {
      const batches = Map.groupBy(messages, ({ message, partition }) => JSON.stringify([message.topic, partition]))
      // One order for every writer, since each partition stays locked until the commit.
      const sorted = [...batches.keys()].sort()
      await unitOfWork.run(async (tx) => {
        for (const place of sorted) await run(tx, sendStatement(batches.get(place) ?? []))
      })
    },
  }
}

function makeTopicStatement(topic: string, partitions: number): Statement {
  return { name: 'estafet-make-topic', text: 'SELECT estafet.make_topic($1, $2) AS count', values: [topic, partitions] }
}

function sendStatement(batch: readonly RelayedMessage[]): Statement {
  const column = <Value>(of: (relayed: RelayedMessage) => Value): readonly Value[] => batch.map(of)
  return {
    name: 'estafet-send',
    text: `SELECT estafet.send($1, $2::smallint, $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[],
      $8::uuid[], $9::smallint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
      $16::text[])`,
    values: [
      batch[0]?.message.topic,
      batch[0]?.partition,
      column((r) => r.previous.toString()),
      column((r) => r.message.source),
      column((r) => r.message.epoch),
      column((r) => r.message.position.toString()),
      column((r) => r.message.time),
      column((r) => r.message.id),
      column((r) => r.message.version),
      column((r) => r.message.type),
      column((r) => r.message.key),
      column((r) => r.message.correlationId),
      column((r) => r.message.causationId),
      column((r) => r.message.traceparent),
      column((r) => fromHeaders(r.message.headers)),
      column((r) => r.message.payload),
    ],
  }
}
