import type {
  DeadLetter,
  DeadLetterGroup,
  DeadLetterHistory,
  DeadLetters,
  PastAttempt,
  Selection,
} from '../../ports/dead-letters.ts'
import { instant } from './instant.ts'
import { type MessageRow, toMessage } from './message-row.ts'
import { run } from './run.ts'
import { pageOf, pageValues, selectionText } from './selection.ts'
import type { Sql } from './sql.ts'

/** Dead letters in the tables of migration 0005. `sql` is a pool whose role is a member of the `subscriber` role. */
export function postgresDeadLetters(sql: Sql): DeadLetters {
  return {
    async groups(subscription, page) {
      const rows = await run<GroupRow>(sql, {
        name: 'estafet-dead-groups',
        text: groupsText,
        values: [subscription, ...pageValues(page)],
      })
      return pageOf(rows, page, ({ first }) => BigInt(first), toGroup)
    },

    async list(subscription, selection, page) {
      const rows = await run<DeadLetterRow>(sql, {
        name: 'estafet-dead-list',
        text: `SELECT ${columns}, CASE WHEN $5::boolean THEN m.payload END AS bytes
          FROM estafet.dead_letters($1, $2::json, false) AS d (number)
          JOIN estafet.parked_message AS m ON m.number = d.number
          WHERE d.number > coalesce($3::bigint, 0) ORDER BY m.number LIMIT $4::int`,
        values: [subscription, selectionText(selection), ...pageValues(page), page.isWithPayload],
      })
      return pageOf(rows, page, ({ number }) => BigInt(number), toDeadLetter)
    },

    count: (subscription, selection, which) => count(sql, subscription, selection, which === 'free'),

    async find(subscription, number) {
      const [row] = await run<DeadLetterRow & { readonly replaced_by: string | null; readonly bytes: Uint8Array }>(
        sql,
        {
          name: 'estafet-dead-find',
          text: `SELECT ${columns}, m.payload AS bytes, (SELECT min(later.number)::text FROM estafet.parked_message AS later
            WHERE later.replaces = m.number) AS replaced_by
          FROM estafet.parked_message AS m WHERE m.subscription = $1 AND m.number = $2::bigint`,
          values: [subscription, number.toString()],
        },
      )
      if (row === undefined) return null
      const history: DeadLetterHistory = {
        ...toDeadLetter(row),
        payload: row.bytes,
        replacedBy: toBigint(row.replaced_by),
        history: await attemptsOf(sql, number),
      }
      return history
    },
  }
}

async function count(sql: Sql, subscription: string, selection: Selection, isFree: boolean): Promise<number> {
  const [row] = await run<{ count: string }>(sql, {
    name: 'estafet-dead-count',
    text: 'SELECT count(*)::text AS count FROM estafet.dead_letters($1, $2::json, $3::boolean)',
    values: [subscription, selectionText(selection), isFree],
  })
  return Number(row?.count ?? 0)
}

async function attemptsOf(sql: Sql, number: bigint): Promise<readonly PastAttempt[]> {
  return run<PastAttempt>(sql, {
    name: 'estafet-dead-attempts',
    text: `SELECT a.number, ${instant('a.at')} AS at, ${instant('a.ended_at')} AS "endedAt", a.owner,
      a.service_version AS "serviceVersion", a.outcome, a.handler, a.error_name AS "errorName",
      a.error_message AS "errorMessage", a.stack FROM estafet.attempt AS a WHERE a.message = $1::bigint ORDER BY a.number`,
    values: [number.toString()],
  })
}

interface GroupRow {
  readonly first: string
  readonly fingerprint: string
  readonly handler: string | null
  readonly type: string
  readonly error_name: string | null
  readonly error_message: string | null
  readonly count: string
  readonly keys: string
  readonly first_failed_at: string | null
  readonly last_failed_at: string | null
}

const groupsText = `SELECT min(m.number)::text AS first, coalesce(m.fingerprint, '') AS fingerprint, m.handler, m.type,
    m.error_name, (array_agg(m.error_message ORDER BY m.failed_at DESC NULLS LAST))[1] AS error_message,
    count(*)::text AS count, count(DISTINCT (m.feed, m.key))::text AS keys,
    ${instant('min(m.first_failed_at)')} AS first_failed_at, ${instant('max(m.failed_at)')} AS last_failed_at
  FROM estafet.parked_message AS m WHERE m.subscription = $1 AND m.state = 'dead'
  GROUP BY coalesce(m.fingerprint, ''), m.handler, m.type, m.error_name
  HAVING min(m.number) > coalesce($2::bigint, 0) ORDER BY min(m.number) LIMIT $3::int`

function toGroup(row: GroupRow): DeadLetterGroup {
  return {
    ...{ fingerprint: row.fingerprint, handler: row.handler, type: row.type },
    ...{ errorName: row.error_name, errorMessage: row.error_message },
    ...{ count: Number(row.count), keys: Number(row.keys) },
    ...{ firstFailedAt: row.first_failed_at, lastFailedAt: row.last_failed_at },
  }
}

interface DeadLetterRow extends Omit<MessageRow, 'payload'> {
  readonly source: string
  readonly number: string
  readonly feed: string
  readonly lane: number
  readonly state: DeadLetter['state']
  readonly is_blocking: boolean
  readonly parked_at: string
  readonly ended_at: string | null
  readonly attempts: number
  readonly handler: string | null
  readonly error_name: string | null
  readonly error_message: string | null
  readonly fingerprint: string | null
  readonly first_failed_at: string | null
  readonly failed_at: string | null
  readonly redrive: string | null
  readonly replaces: string | null
  readonly payload_bytes: number
  readonly bytes: Uint8Array | null
}

const columns = `m.source, m.epoch, m.position::text AS position, ${instant('m.recorded_at')} AS time, m.id, m.type,
  m.version, m.topic, m.key, m.correlation_id, m.causation_id, m.traceparent, m.headers, m.number::text AS number, m.feed,
  m.lane, m.state, m.is_blocking, ${instant('m.parked_at')} AS parked_at, ${instant('m.ended_at')} AS ended_at,
  m.attempts, m.handler, m.error_name, m.error_message, m.fingerprint, ${instant('m.first_failed_at')} AS first_failed_at,
  ${instant('m.failed_at')} AS failed_at, m.redrive::text AS redrive, m.replaces::text AS replaces,
  octet_length(m.payload) AS payload_bytes`

function toDeadLetter(row: DeadLetterRow): DeadLetter {
  const { payload: _, ...envelope } = toMessage({ ...row, payload: '' }, row.source)
  return {
    ...envelope,
    ...{ number: BigInt(row.number), feed: row.feed, lane: row.lane, state: row.state, isBlocking: row.is_blocking },
    ...{ parkedAt: row.parked_at, endedAt: row.ended_at, attempts: row.attempts, handler: row.handler },
    ...{ errorName: row.error_name, errorMessage: row.error_message, fingerprint: row.fingerprint },
    ...{ firstFailedAt: row.first_failed_at, failedAt: row.failed_at },
    ...{ redrive: toBigint(row.redrive), replaces: toBigint(row.replaces) },
    ...{ payloadBytes: row.payload_bytes, payload: row.bytes },
  }
}

function toBigint(text: string | null): bigint | null {
  return text === null ? null : BigInt(text)
}
