import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type Progress, progress } from '../../engines/application/progress.ts'
import type { Options } from './options.ts'
import { killAtRandom } from './system/kills.ts'
import type { System } from './system/system.ts'
import type { ReadBookings } from './trips/bookings.ts'
import { type Sent, sendGuests } from './trips/guests.ts'

export interface RunInput {
  readonly options: Options
  readonly read: ReadBookings
  readonly signal: AbortSignal
  readonly say: (text: string) => void
}

export interface Run {
  readonly sent: Sent
  /** What was killed on purpose, in order. */
  readonly killed: readonly string[]
  readonly restarts: number
  readonly seconds: number
  /** Exit code of the reconciliation, and what it printed. */
  readonly reconciled: { readonly code: number; readonly text: string }
}

const shownBadLines = 20

/** Leads the guests of a file through the running application, and has the outcome compared. Rejects when the signal aborts. */
export async function run(system: System, { options, read, signal, say }: RunInput): Promise<Run> {
  const begun = performance.now()
  for (const { line, reason } of read.badLines.slice(0, shownBadLines)) say(`line ${line}: ${reason}`)
  if (read.badLines.length > shownBadLines) say(`... and ${read.badLines.length - shownBadLines} more bad lines`)
  const bar = progress('trips', read.bookings.length)
  let sent: Sent
  let killed: readonly string[]
  try {
    ;({ sent, killed } = await sendWhileKilling(system, { options, read, signal, bar }))
    await settled(system, signal, bar)
  } finally {
    bar.end()
  }
  const badLines = read.badLines.map(({ line }) => line)
  const trips = Number.isFinite(options.trips) ? options.trips : null
  writeFileSync(join(options.home, 'last-run.json'), JSON.stringify({ file: options.file, trips, badLines }))
  return {
    ...{ sent, killed },
    reconciled: await reconciled(system, options),
    restarts: Object.values(system.supervisor.restarts()).reduce((sum, each) => sum + each, 0),
    seconds: (performance.now() - begun) / 1000,
  }
}

/** A run with a kill every second would take hours for a year, in which the machine does little but start processes. */
const [mostKills, leastBetween] = [150, 10]

async function sendWhileKilling(
  system: System,
  { options, read, signal, bar }: Pick<RunInput, 'options' | 'read' | 'signal'> & { readonly bar: Progress },
): Promise<Pick<Run, 'sent' | 'killed'>> {
  const healed = new AbortController()
  const mayKill = AbortSignal.any([signal, healed.signal])
  const between = Math.max(leastBetween, Math.ceil(read.bookings.length / mostKills))
  const kills = options.isKilling ? killAtRandom(system, options.seed, { ended: bar.done, between }, mayKill) : []
  try {
    const sent = await sendGuests(read.bookings, {
      form: options.form,
      // An address where nothing listens stands for a service that never came up.
      url: () => String(system.supervisor.announcements()['booking']?.['url'] ?? 'http://127.0.0.1:9'),
      ...{ signal, patienceMs: 120_000, ended: bar.set },
    })
    healed.abort()
    const killed = await kills
    signal.throwIfAborted()
    return { sent, killed }
  } finally {
    healed.abort()
  }
}

const stuckAfterMs = 60_000

/** Waits until every trip is at its end, or nothing has moved for a minute. */
async function settled(system: System, signal: AbortSignal, bar: Progress): Promise<void> {
  let before = -1
  let movedAt = performance.now()
  for (;;) {
    // The database server may be on its way up again.
    const now = await underWay(system.adminUrl('booking')).catch(() => null)
    signal.throwIfAborted()
    if (now !== null) {
      bar.set(now.trips - now.open)
      if (now.moves !== before) movedAt = performance.now()
      if (now.open + now.awaited === 0 && now.moves === before) return
      before = now.moves
      if (performance.now() - movedAt > stuckAfterMs) return
    }
    await sleep(200, undefined, { signal })
  }
}

interface UnderWay {
  readonly trips: number
  readonly open: number
  /** Flows in which an answer is. */
  readonly awaited: number
  readonly moves: number
}

async function underWay(url: string): Promise<UnderWay> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rows } = await client.query<UnderWay>(
      `SELECT count(*)::int AS trips, count(*) FILTER (WHERE state NOT IN ('COMPLETED', 'CANCELLED', 'COMPENSATED')
        OR state = 'CANCELLED' AND kept IS NULL)::int AS open, (SELECT count(*)::int FROM transition) AS moves,
        (SELECT count(*)::int FROM estafet.flow WHERE status = 'waiting') AS awaited FROM trip`,
    )
    return rows[0] ?? { trips: 0, open: 0, moves: 0, awaited: 0 }
  } finally {
    await client.end().catch(() => {})
  }
}

/** In a process of its own, which has nothing of ours in it. */
function reconciled(system: System, { home, json }: Options): Promise<Run['reconciled']> {
  const program = fileURLToPath(new URL('reconcile.ts', import.meta.url))
  const child = spawn(process.execPath, [program, '--home', home, ...(json ? ['--json'] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, BOOKING_ADMIN_URL: system.server.adminUrl },
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? 1, text: text.trimEnd() }))
  })
}
