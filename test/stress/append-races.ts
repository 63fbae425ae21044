// Races for the versions of streams, one round after the other, and what is known of who must have won them.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { isEstafetError } from 'estafet'
import type { PostgresStreams } from 'estafet/postgres'
import type pg from 'pg'
import type { Appended, EncodedEvent, ExpectedVersion, StreamAppend } from '../../src/ports/event-store.ts'

export interface Raced {
  rounds: number
  /** Rounds in which others won, or more or fewer, than the mode allows. */
  readonly unfair: string[]
  /** What appends threw that no mode allows. */
  readonly unexpected: string[]
}

type Mode = 'exact' | 'new' | 'existing' | 'any'
const modes: readonly Mode[] = ['exact', 'new', 'existing', 'any']
const racers = 8

/** What became of one racer. */
interface Ended {
  readonly appendId: string | null
  /** Null when it did not commit. */
  readonly appended: Appended | null
  /** It wanted to commit, at READ COMMITTED, where what the locks waited for can be seen. */
  readonly isPlain: boolean
  /** It undid what it had done by itself. */
  readonly isUndone: boolean
}

/** Races on a stream until a time; each racer's committed events are noted in the table `truth` with their commit. */
export async function race(pool: pg.Pool, streams: PostgresStreams, id: number, until: number): Promise<Raced> {
  const raced: Raced = { rounds: 0, unfair: [], unexpected: [] }
  const heat = { pool, streams, raced }
  let stream = { type: 'race', id: `${id}/0` }
  let version = 0
  for (let round = 0; performance.now() < until; round++) {
    const mode: Mode = version === 0 ? 'new' : (modes[Math.floor(Math.random() * modes.length)] ?? 'exact')
    if (mode === 'new') [stream, version] = [{ type: 'race', id: `${id}/${round}` }, 0]
    const expected: ExpectedVersion = mode === 'exact' ? version : mode
    const ended = await Promise.all(
      Array.from({ length: racers }, (_, at) => run(heat, { stream, expected, round, at })),
    )
    const fault = faultOf(mode, ended)
    if (fault !== null) raced.unfair.push(`${mode}: ${fault}`)
    raced.rounds += 1
    version = Math.max(version, ...ended.map(({ appended }) => appended?.version ?? 0))
  }
  return raced
}

interface Heat {
  readonly pool: pg.Pool
  readonly streams: PostgresStreams
  readonly raced: Raced
}

interface Lane extends Pick<StreamAppend, 'stream' | 'expected'> {
  readonly round: number
  readonly at: number
}

async function run({ pool, streams, raced }: Heat, { stream, expected, round, at }: Lane): Promise<Ended> {
  const appendId = expected === 'any' ? `${round}/${at % 3}` : null
  // Racers of one append id say the same, as the tries of one command do.
  const events = Array.from({ length: 1 + ((round + (appendId === null ? at : at % 3)) % 3) }, () => encoded(appendId))
  const isolation = Math.random() < 0.7 ? 'READ COMMITTED' : 'REPEATABLE READ'
  const isUndone = Math.random() < 0.15
  const isPlain = isolation === 'READ COMMITTED' && !isUndone
  const client = await pool.connect()
  let appended: Appended | null = null
  try {
    await client.query(`BEGIN ISOLATION LEVEL ${isolation}`)
    if (Math.random() < 0.5) await client.query('SELECT pg_current_xact_id()')
    if (Math.random() < 0.3) {
      await client.query('SAVEPOINT s')
      await streams.events.append(client, [{ stream: { type: 'undone', id: `${at}` }, ...anything }])
      await client.query('ROLLBACK TO SAVEPOINT s')
    }
    if (Math.random() < 0.5) await sleep(Math.random() * 4)
    const [done] = await streams.events.append(client, [{ stream, expected, events, appendId }])
    if (done?.isRepeat === false) await note(client, stream, done.version, events)
    if (Math.random() < 0.5) await sleep(Math.random() * 4)
    await client.query(isUndone ? 'ROLLBACK' : 'COMMIT')
    appended = isUndone ? null : (done ?? null)
  } catch (error) {
    await client.query('ROLLBACK')
    // At REPEATABLE READ another append that was committed meanwhile cannot be seen, and is a conflict.
    const isLost = isEstafetError(error, 'WRONG_VERSION') || (!isPlain && isEstafetError(error, 'CONFLICT'))
    if (!isLost) raced.unexpected.push(`${expected}, ${isolation}: ${String(error)}`)
  } finally {
    client.release()
  }
  return { appendId, appended, isPlain, isUndone }
}

const anything: Omit<StreamAppend, 'stream'> = { expected: 'any', events: [], appendId: null }

/** What is wrong with how a round ended; null when it ended as it must. */
function faultOf(mode: Mode, ended: readonly Ended[]): string | null {
  const won = ended.filter(({ appended }) => appended !== null)
  const plain = ended.filter(({ isPlain }) => isPlain)
  if (mode === 'exact' || mode === 'new') {
    // Whoever wanted to commit and did not was beaten by one that committed.
    const wanted = ended.some(({ isUndone }) => !isUndone) ? 1 : 0
    return won.length === wanted ? null : `${won.length} won instead of ${wanted}`
  }
  const beaten = plain.filter(({ appended }) => appended === null).length
  if (beaten > 0) return `${beaten} of ${plain.length} were refused`
  if (mode === 'existing') return null
  for (const [appendId, tries] of Map.groupBy(won, (one) => one.appendId)) {
    const first = tries.filter(({ appended }) => appended?.isRepeat === false).length
    const places = new Set(tries.map(({ appended }) => `${appended?.version} at ${appended?.position}`))
    if (first !== 1) return `${first} of the tries under ${appendId} appended`
    if (places.size !== 1) return `the tries under ${appendId} say ${[...places].join(', ')}`
  }
  return null
}

/**
 * Appends to other streams and holds its transaction, and so the log, open: what readers must wait for, or pass. Resolves to
 * what was refused, though nobody may be.
 */
export async function hold(
  pool: pg.Pool,
  streams: PostgresStreams,
  writer: number,
  until: number,
): Promise<readonly string[]> {
  const refused: string[] = []
  const client = await pool.connect()
  for (let at = 0; performance.now() < until; at++) {
    const some = [`${writer}`, `${(writer * 7 + at) % 50}`].map((id) => ({ type: 'other', id }))
    const appends = some.map((stream) => ({ ...anything, stream, events: [encoded(null)] }))
    await client.query('BEGIN')
    if (Math.random() < 0.5) await sleep(Math.random() * 4)
    try {
      const done = await streams.events.append(client, appends)
      for (const [which, { stream, events }] of appends.entries()) {
        await note(client, stream, done[which]?.version ?? 0, events)
      }
      if (Math.random() < 0.5) await sleep(Math.random() * 50)
      await client.query(Math.random() < 0.1 ? 'ROLLBACK' : 'COMMIT')
    } catch (error) {
      await client.query('ROLLBACK')
      refused.push(String(error))
    }
  }
  client.release()
  return refused
}

/** What was committed, told by rows that commit or not with the events themselves. */
async function note(
  client: pg.PoolClient,
  stream: { readonly type: string; readonly id: string },
  last: number,
  events: readonly EncodedEvent[],
): Promise<void> {
  await client.query(
    `INSERT INTO truth SELECT id, $2, $3::int + (place - cardinality($1::uuid[]))::int
      FROM unnest($1::uuid[]) WITH ORDINALITY AS u (id, place)`,
    [events.map(({ id }) => id), `${stream.type} ${stream.id}`, last],
  )
}

function encoded(said: string | null): EncodedEvent {
  const id = randomUUID()
  const none = { causationId: null, traceparent: null, headers: {} }
  return { id, type: 'Raced', version: 1, correlationId: id, payload: JSON.stringify({ said }), ...none }
}
