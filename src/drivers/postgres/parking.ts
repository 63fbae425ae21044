import type { StoredMessage } from '../../message/message.ts'
import type { Lane } from '../../ports/lane-store.ts'
import type { Failure, Parking } from '../../ports/parking.ts'
import { failureTexts, nextStepValues } from './failure-values.ts'
import { fromHeaders } from './message-row.ts'
import { run } from './run.ts'
import type { Sql, Statement } from './sql.ts'

/** Parked keys in the tables of migration 0005. `sql` is a pool whose role is a member of the `subscriber` role. */
export function postgresParking(sql: Sql): Parking<Sql> {
  return {
    async keys({ group, index }) {
      const rows = await run<{ key: string }>(sql, {
        name: 'estafet-parked-keys',
        text: `SELECT k.key FROM estafet.parked_key AS k WHERE k.subscription = $1 AND k.feed = $2 AND k.lane = $3::smallint`,
        values: [group.subscription, group.feed, index],
      })
      return rows.map(({ key }) => key)
    },

    async hold(tx, { group }, keys) {
      // In one order for everybody; shared with those who add behind the key, against the one who lets it go.
      const rows = await run<{ key: string }>(tx, {
        name: 'estafet-parked-hold',
        text: `SELECT k.key FROM estafet.parked_key AS k WHERE k.subscription = $1 AND k.feed = $2
          AND k.key = ANY ($3::text[]) ORDER BY k.key FOR KEY SHARE`,
        values: [group.subscription, group.feed, keys],
      })
      return rows.map(({ key }) => key)
    },

    async park(tx, lane, entries) {
      const untried = entries.filter(({ failure }) => failure === null).map(({ message }) => message)
      const tried = entries.flatMap(({ message, failure }) =>
        failure === null ? [] : [parkStatement(lane, [message], failure)],
      )
      // A key's failed one comes before those that wait behind it.
      await runAll(tx, [...tried, ...untriedStatements(lane, untried)])
    },

    async parkUntried(tx, lane, messages) {
      await runAll(tx, untriedStatements(lane, messages))
    },
  }
}

/** Sends all before it awaits the first answer, and awaits them all: a rollback must not overtake one of them. */
async function runAll(tx: Sql, statements: readonly Statement[]): Promise<void> {
  const answers = await Promise.allSettled(statements.map((statement) => run(tx, statement)))
  const failed = answers.find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

function untriedStatements(lane: Lane, messages: readonly StoredMessage[]): readonly Statement[] {
  return messages.length === 0 ? [] : [parkStatement(lane, messages, null)]
}

function parkStatement(lane: Lane, messages: readonly StoredMessage[], failure: Failure | null): Statement {
  const column = <Value>(of: (message: StoredMessage) => Value): readonly Value[] => messages.map(of)
  return {
    name: 'estafet-park',
    text: `SELECT estafet.park($1, $2, $3::smallint, $4::text[], $5::text[], $6::bigint[], $7::timestamptz[], $8::text[],
      $9::text[], $10::int[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::bytea[],
      $18, $19, $20, $21, $22, $23, $24, $25::int, $26::bigint, $27::boolean)`,
    values: [
      ...[lane.group.subscription, lane.group.feed, lane.index],
      ...[column((m) => m.source), column((m) => m.epoch), column((m) => m.position.toString()), column((m) => m.time)],
      ...[column((m) => m.id), column((m) => m.type), column((m) => m.version), column((m) => m.topic)],
      ...[column((m) => m.key), column((m) => m.correlationId), column((m) => m.causationId)],
      ...[column((m) => m.traceparent), column((m) => fromHeaders(m.headers))],
      column((m) => Buffer.from(m.payload, 'utf8')),
      ...failureValues(failure),
    ],
  }
}

function failureValues(failure: Failure | null): readonly unknown[] {
  if (failure === null) return Array.from({ length: 10 }, () => null)
  return [
    ...failureTexts(failure),
    ...[failure.owner, failure.serviceVersion, failure.tries],
    ...nextStepValues(failure.next),
  ]
}
