import { createHash } from 'node:crypto'
import { EstafetError } from '../../message/errors.ts'
import type {
  Appended,
  EncodedEvent,
  EventStore,
  RecordedEvent,
  StreamAppend,
  StreamName,
  StreamRange,
} from '../../ports/event-store.ts'
import { fromHeaders, type MessageRow, messageColumns, toMessage } from './message-row.ts'
import { isInTransaction, markTransaction, sendAhead } from './open-transaction.ts'
import { run } from './run.ts'
import type { Sql, Statement } from './sql.ts'

/**
 * The event store of a service's own database. `sql` is a pool whose role is a member of the database's `publisher` role;
 * `source` is the service's name.
 */
export function postgresEventStore(sql: Sql, { source }: { readonly source: string }): EventStore<Sql> {
  const readIn = async (tx: Sql, stream: StreamName, range: StreamRange): Promise<readonly RecordedEvent[]> => {
    const rows = await run<EventRow>(tx, {
      name: 'estafet-stream-read',
      text: readText,
      values: [stream.type, stream.id, range.after, range.upTo, range.limit],
    })
    return rows.map((row) => ({ ...toMessage(row, source), streamVersion: row.stream_version }))
  }
  return {
    async append(tx, appends, { refusesRepeats = false } = {}) {
      if (appends.length === 0) return []
      const isUnsure = !isInTransaction(tx)
      if (isUnsure) await sendAhead(tx, run(tx, markTransaction))
      try {
        const rows = await run<AppendedRow>(tx, statementOf(appends, refusesRepeats, isUnsure))
        return [...rows].sort((a, b) => a.number - b.number).map(toAppended)
      } catch (error) {
        throw told(error, appends)
      }
    },
    async appended(tx, stream, appendId) {
      const [row] = await run<AppendedRow>(tx, {
        name: 'estafet-append-find',
        text: `SELECT 1 AS number, a.last_version, a.last_position::text AS last_position, true AS is_repeat
          FROM estafet.append_id AS a WHERE a.stream_type = $1 AND a.stream_id = $2 AND a.append_id = $3`,
        values: [stream.type, stream.id, appendId],
      })
      return row === undefined ? null : toAppended(row)
    },
    read: (stream, range) => readIn(sql, stream, range),
    readIn,
  }
}

interface EventRow extends MessageRow {
  readonly stream_version: number
}

const readText = `SELECT ${messageColumns}, m.stream_version FROM estafet.event_messages AS m
  WHERE m.topic = $1 AND m.key = $2 AND m.stream_version > $3::int AND m.stream_version <= coalesce($4::int, 2147483647)
  ORDER BY m.stream_version LIMIT $5::int`

interface AppendedRow {
  /** Which of the appends, from 1. */
  readonly number: number
  readonly last_version: number
  readonly last_position: string | null
  readonly is_repeat: boolean
}

function toAppended(row: AppendedRow): Appended {
  const position = row.last_position === null ? null : BigInt(row.last_position)
  return { version: row.last_version, position, isRepeat: row.is_repeat }
}

function statementOf(appends: readonly StreamAppend[], refusesRepeats: boolean, isUnsure: boolean): Statement {
  const [first, ...rest] = appends
  return first !== undefined && rest.length === 0
    ? appendOneStatement(first, refusesRepeats, isUnsure)
    : appendStatement(appends, refusesRepeats, isUnsure)
}

function appendOneStatement(append: StreamAppend, refusesRepeats: boolean, isUnsure: boolean): Statement {
  const { stream, expected, appendId, events } = append
  return {
    name: 'estafet-append-one',
    text: `SELECT 1 AS number, a.last_version, a.last_position::text AS last_position, a.is_repeat
      FROM estafet.append_one($1, $2, $3, $4, $5::bytea, $6::uuid[], $7::text[], $8::smallint[], $9::text[], $10::text[],
        $11::text[], $12::text[], $13::text[], $14, $15) AS a`,
    values: [
      ...[stream.type, stream.id, String(expected), appendId, appendId === null ? null : digestOf(events)],
      ...[...columnsOf(events), refusesRepeats, isUnsure],
    ],
  }
}

function appendStatement(appends: readonly StreamAppend[], refusesRepeats: boolean, isUnsure: boolean): Statement {
  const all = appends.flatMap(({ events }, at) => events.map((event) => ({ event, append: at + 1 })))
  return {
    name: 'estafet-append',
    text: `SELECT a.number, a.last_version, a.last_position::text AS last_position, a.is_repeat
      FROM estafet.append($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::int[], $7::int[], $8::uuid[],
        $9::text[], $10::smallint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16, $17) AS a`,
    values: [
      appends.map(({ stream }) => stream.type),
      appends.map(({ stream }) => stream.id),
      appends.map(({ expected }) => String(expected)),
      appends.map(({ appendId }) => appendId),
      appends.map(({ appendId, events }) => (appendId === null ? null : digestOf(events))),
      roundsOf(appends),
      all.map(({ append }) => append),
      ...columnsOf(all.map(({ event }) => event)),
      refusesRepeats,
      isUnsure,
    ],
  }
}

/** Events as the functions take them: a list for each of their columns. */
function columnsOf(events: readonly EncodedEvent[]): readonly (readonly unknown[])[] {
  const column = <Value>(of: (event: EncodedEvent) => Value): readonly Value[] => events.map(of)
  return [
    column((e) => e.id),
    column((e) => e.type),
    column((e) => e.version),
    column((e) => (e.correlationId === e.id ? null : e.correlationId)),
    column((e) => e.causationId),
    column((e) => e.traceparent),
    column((e) => fromHeaders(e.headers)),
    column((e) => e.payload),
  ]
}

/** Of each append, how many of the same stream stand before it, and one. */
function roundsOf(appends: readonly StreamAppend[]): readonly number[] {
  const seen = new Map<string, number>()
  return appends.map(({ stream }) => {
    const name = JSON.stringify([stream.type, stream.id])
    const round = (seen.get(name) ?? 0) + 1
    seen.set(name, round)
    return round
  })
}

/** Of what the events say; their ids are given anew with each try. */
function digestOf(events: readonly EncodedEvent[]): Buffer {
  const said = events.map(({ type, version, payload }) => [type, version, payload])
  return createHash('sha256').update(JSON.stringify(said)).digest()
}

/** What the function said about a stream, in the toolkit's codes. Streams are named by their type: ids may be personal. */
function told(error: unknown, appends: readonly StreamAppend[]): unknown {
  const { code, detail, constraint } = partsOf(error)
  const [at = '1', actual = ''] = (detail ?? '').split(' ')
  const append = appends[Number(at) - 1] ?? appends[0]
  const type = append?.stream.type ?? ''
  if (code === 'ESF05') {
    const expected = String(append?.expected)
    return new EstafetError(
      'WRONG_VERSION',
      `A stream of ${type} was expected to be ${versionText(expected)} and is at version ${actual}; nothing was written.`,
      { details: { type, expected, actual: Number(actual) } },
    )
  }
  if (code === 'ESF06') {
    return new EstafetError(
      'APPEND_ID_REUSED',
      `Other events were appended to this stream of ${type} under this append id.`,
      {
        details: { type },
      },
    )
  }
  // Seen by a transaction that could not see what was committed meanwhile: REPEATABLE READ and above.
  if (code === '23505' && constraint === 'event_stream_version') {
    return new EstafetError('WRONG_VERSION', 'Another transaction appended to the stream; nothing was written.', {
      details: { type, expected: String(append?.expected) },
    })
  }
  return error
}

function versionText(expected: string): string {
  return /^\d+$/.test(expected) ? `at version ${expected}` : expected
}

function partsOf(error: unknown): { readonly code?: string; readonly detail?: string; readonly constraint?: string } {
  if (typeof error !== 'object' || error === null) return {}
  const text = (name: string): Record<string, string> => {
    const value: unknown = Object.getOwnPropertyDescriptor(error, name)?.value
    return typeof value === 'string' ? { [name]: value } : {}
  }
  return { ...text('code'), ...text('detail'), ...text('constraint') }
}
