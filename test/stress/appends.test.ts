import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { migrate, type PostgresStreams, postgresStreams } from 'estafet/postgres'
import pg from 'pg'
import { allPostgres } from '../../engines/postgres/binaries.ts'
import { newDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { logFeed } from '../../src/outbox/log-feed.ts'
import { hold, race } from './append-races.ts'

/** What readers of the log saw, against what was committed. */
interface Finding {
  lost: number
  doubled: number
  /** Events that came before an earlier one of their stream. */
  inverted: number
  /** Events that were never committed. */
  invented: number
}
const clean: Finding = { lost: 0, doubled: 0, inverted: 0, invented: 0 }

for (const binaries of allPostgres()) {
  describe(`races for the versions of streams on ${binaries.name}`, () => {
    let server: PostgresServer
    before(async () => {
      server = await temporaryPostgres({ binaries })
    })
    after(() => server.stop())

    test('one wins, versions have no gap, and the log tells each event once and in order, in every mode and whoever holds it open', async () => {
      // On a machine with no time to spare there are fewer races in the same time.
      let found = await stress(server, 'honest', 5_000, null)
      if (found.rounds <= 50 || found.events <= 500) found = await stress(server, 'honest_again', 40_000, null)
      assert.ok(found.rounds > 50 && found.events > 500, `only ${found.rounds} rounds, ${found.events} events`)
      assert.deepEqual([found.unfair, found.unexpected, found.gaps], [[], [], 0])
      assert.deepEqual([found.oneLane, found.lanes], [clean, clean])
      assert.ok(found.naive.lost > 0, 'the mutant "naive cursor" is found')
    })

    test('the mutant "no unique version" is found: two at REPEATABLE READ have the same one', () =>
      notices(
        server,
        'no_unique_version',
        'ALTER TABLE estafet.event DROP CONSTRAINT event_stream_version',
        ({ gaps, unfair }) => gaps > 0 && unfair.length > 0,
      ))

    test('the mutant "no stream lock" is found: whom the mode allows is refused', () =>
      notices(
        server,
        'no_stream_lock',
        mutated(/^ {2}PERFORM pg_advisory_xact_lock\((?:[^\n]*own_slot\);|[\s\S]*?AS sorted;)\n/m),
        ({ unfair }) => unfair.some((says) => /were refused/.test(says)),
      ))

    test('the mutant "no log lock" is found: readers pass what is still open', () =>
      notices(
        server,
        'no_log_lock',
        mutated(/^ {2}PERFORM pg_advisory_xact_lock_shared.*\n/m),
        ({ oneLane, lanes }) => oneLane.lost + lanes.lost > 0,
      ))

    test('the mutant "append ids are not looked up" is found: of the tries of one append not one is first', () =>
      notices(
        server,
        'no_append_ids',
        mutated(/^ +IF (has_append_ids|of_append_id IS NOT NULL) THEN/m, 'IF false THEN'),
        ({ unfair, unexpected }) => unfair.length + unexpected.length > 0,
      ))
  })
}

/** Stresses a mutant until it is found; on a machine with no time to spare one go may have too few races. */
async function notices(
  server: PostgresServer,
  mutant: string,
  mutation: string,
  isFound: (found: Awaited<ReturnType<typeof stress>>) => boolean,
): Promise<void> {
  for (let go = 1; go <= 5; go++) {
    if (isFound(await stress(server, `${mutant}_${go}`, 2_000, mutation))) return
  }
  assert.fail(`the mutant ${mutant} was not found`)
}

/** Both functions that append, changed in one place. */
function mutated(place: RegExp, by = ''): string {
  const file = new URL('../../src/drivers/postgres/migrations/0008-events.sql', import.meta.url)
  const texts = readFileSync(file, 'utf8').match(/CREATE FUNCTION estafet\.append(_one)?\([\s\S]*?\nEND\n\$\$;/g) ?? []
  assert.equal(texts.length, 2)
  for (const text of texts) assert.match(text, place)
  return texts
    .map((text) => text.replace('CREATE FUNCTION', 'CREATE OR REPLACE FUNCTION').replace(place, by))
    .join('\n')
}

async function stress(server: PostgresServer, database: string, ms: number, mutation: string | null) {
  const pool = new pg.Pool({ connectionString: await newDatabase(server.adminUrl, database), max: 45 })
  pool.on('error', () => {})
  const foreign = await foreigners(server)
  try {
    const owner = await pool.connect()
    await migrate(owner)
    await owner.query('CREATE TABLE truth (id uuid, stream text, version int)')
    if (mutation !== null) await owner.query(mutation)
    owner.release()
    const streams = postgresStreams(pool, { service: 'stress' })
    const ending = new AbortController()
    const readers = [
      read(streams, ending.signal, 1),
      read(streams, ending.signal, 4),
      read(streams, ending.signal, 'naive'),
    ] as const
    const until = performance.now() + ms
    const others = Array.from({ length: 8 }, (_, writer) => hold(pool, streams, writer, until))
    const raced = await Promise.all(Array.from({ length: 3 }, (_, id) => race(pool, streams, id, until)))
    const refused = (await Promise.all(others)).flat()
    ending.abort()
    const [oneLane, lanes, naive] = await Promise.all(readers)
    const { rows } = await pool.query<Truth>('SELECT id, stream, version FROM truth')
    return {
      ...{ oneLane: judge(rows, oneLane), lanes: judge(rows, lanes), naive: judge(rows, naive) },
      ...{ events: rows.length, gaps: await gaps(pool) },
      rounds: raced.reduce((sum, { rounds }) => sum + rounds, 0),
      unfair: raced.flatMap(({ unfair }) => unfair),
      unexpected: [...refused, ...raced.flatMap(({ unexpected }) => unexpected)],
    }
  } finally {
    await foreign.end()
    await pool.end()
  }
}

/** A transaction elsewhere in the cluster that has written, and one that was prepared and forgotten: neither may hold anybody up. */
async function foreigners(server: PostgresServer): Promise<{ end(): Promise<void> }> {
  const admin = new pg.Client({ connectionString: server.adminUrl })
  admin.on('error', () => {})
  await admin.connect()
  await admin.query('CREATE TABLE IF NOT EXISTS foreign_table (x int)')
  await admin.query('BEGIN')
  await admin.query('INSERT INTO foreign_table VALUES (1)')
  await admin.query(`PREPARE TRANSACTION 'forgotten'`)
  await admin.query('BEGIN')
  await admin.query('INSERT INTO foreign_table VALUES (2)')
  return {
    async end() {
      await admin.query('ROLLBACK')
      await admin.query(`ROLLBACK PREPARED 'forgotten'`)
      await admin.end()
    },
  }
}

/** Events that are missing or too many in their streams, and those that were noted in another place than they stand. */
async function gaps(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ gaps: number; strays: number }>(`SELECT
    (SELECT count(*)::int FROM (SELECT stream_type, stream_id FROM estafet.event GROUP BY 1, 2
      HAVING count(*) <> max(stream_version) OR count(DISTINCT stream_version) <> count(*)) AS g) AS gaps,
    (SELECT count(*)::int FROM estafet.event AS e FULL JOIN truth AS t
      ON t.id = e.id AND t.version = e.stream_version AND t.stream = e.stream_type || ' ' || e.stream_id
      WHERE t.id IS NULL OR e.id IS NULL) AS strays`)
  return (rows[0]?.gaps ?? 0) + (rows[0]?.strays ?? 0)
}

async function read(
  { log: { log } }: PostgresStreams,
  signal: AbortSignal,
  how: number | 'naive',
): Promise<readonly string[]> {
  const count = how === 'naive' ? 1 : how
  const feed = logFeed(log, { lanes: count })
  const seen: string[] = []
  const cursors = Array.from({ length: count }, () => 0n)
  for (;;) {
    const isLast = signal.aborted
    const [before, isMore] = [seen.length, how !== 'naive' && (await feed.advance()) === 'more']
    for (const [index, after] of cursors.entries()) {
      const whole = { after, upTo: 1_000_000_000n, limit: 500, topics: null, lane: { index, count } }
      const messages =
        how === 'naive'
          ? await log.read(whole)
          : (await feed.fetch(index, after, 500)).deliveries.map(({ message }) => message)
      for (const message of messages) {
        seen.push(message.id)
        cursors[index] = message.position
      }
    }
    if (isLast && !isMore && seen.length === before) return seen
    await sleep(1)
  }
}

interface Truth {
  readonly id: string
  readonly stream: string
  readonly version: number
}

function judge(truth: readonly Truth[], seen: readonly string[]): Finding {
  const known = new Map(truth.map((row) => [row.id, row]))
  const unique = new Set(seen)
  const last = new Map<string, number>()
  const finding = { ...clean, doubled: seen.length - unique.size }
  for (const id of seen) {
    const row = known.get(id)
    if (row === undefined) {
      finding.invented += 1
    } else {
      if (row.version <= (last.get(row.stream) ?? 0)) finding.inverted += 1
      last.set(row.stream, row.version)
    }
  }
  finding.lost = truth.filter(({ id }) => !unique.has(id)).length
  return finding
}
