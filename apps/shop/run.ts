import { setTimeout as sleep } from 'node:timers/promises'
import { progress } from '../../engines/application/progress.ts'
import type { Options } from './options.ts'
import { mend } from './poison/mend.ts'
import { type Actual, actualFigures } from './reconciliation/actual.ts'
import { expectedFigures } from './reconciliation/expected.ts'
import { reconcile } from './reconciliation/reconcile.ts'
import type { Run } from './reconciliation/report.ts'
import type { BadLine } from './replay/bad-line.ts'
import type { ReadInvoices } from './replay/invoices.ts'
import { type Sent, sendInvoices } from './replay/send.ts'
import { killAtRandom } from './system/kills.ts'
import type { System } from './system/system.ts'

export interface RunInput {
  readonly options: Options
  readonly read: ReadInvoices
  readonly signal: AbortSignal
  readonly say: (text: string) => void
}

/** Feeds the running shop with a file and compares what became of it. Rejects when the signal aborts. */
export async function run(system: System, { options, read, signal, say }: RunInput): Promise<Run> {
  const begun = performance.now()
  const { invoices, badLines } = read
  sayBadLines(badLines, say)
  const healed = new AbortController()
  const mayKill = AbortSignal.any([signal, healed.signal])
  let answered = 0
  const kills = options.kill === null ? [] : killAtRandom(system, options.kill, () => answered, mayKill)
  const sent = await send(system, read, options, signal, () => {
    answered += 1
  })
  healed.abort()
  const killed = await kills
  signal.throwIfAborted()
  const drained = await settled(system, signal)
  const wanted = new Set(invoices.map(({ invoiceNo }) => invoiceNo))
  const expected = await expectedFigures(options.file, {
    lines: new Set(badLines.map(({ line }) => line)),
    isWanted: (invoiceNo) => wanted.has(invoiceNo),
  })
  const mended = options.poison === null ? null : await mend(system, reconcile(expected, drained), { signal, say })
  const actual = mended === null ? drained : await settled(system, signal)
  return {
    file: options.file,
    badLines,
    sent,
    mended,
    reconciliation: reconcile(expected, actual),
    counters: await counters(system),
    killed,
    seed: options.kill,
    restarts: Object.values(system.supervisor.restarts()).reduce((sum, each) => sum + each, 0),
    seconds: (performance.now() - begun) / 1000,
  }
}

const shownBadLines = 20

function sayBadLines(badLines: readonly BadLine[], say: (text: string) => void): void {
  for (const { line, reason } of badLines.slice(0, shownBadLines)) say(`line ${line}: ${reason}`)
  if (badLines.length > shownBadLines) say(`... and ${badLines.length - shownBadLines} more bad lines`)
}

async function send(
  system: System,
  read: ReadInvoices,
  options: Options,
  signal: AbortSignal,
  answered: () => void,
): Promise<Sent> {
  const bar = progress('invoices', read.invoices.length)
  try {
    return await sendInvoices(read.invoices, {
      // Asked for at every try; an address where nothing listens stands for a service that never came up.
      url: () => String(system.supervisor.announcements()['orders']?.['url'] ?? 'http://127.0.0.1:9'),
      signal,
      rate: options.rate,
      atOnce: 12,
      patienceMs: 120_000,
      sent() {
        bar.set(bar.done() + 1)
        answered()
      },
    })
  } finally {
    bar.end()
  }
}

const stuckAfterMs = 60_000

/** Waits until every event has had its effect or waits for a person, or nothing has moved for a minute. */
async function settled(system: System, signal: AbortSignal): Promise<Actual> {
  let before = -1
  let movedAt = performance.now()
  let bar: ReturnType<typeof progress> | null = null
  const total = (actual: Actual, of: 'expected' | 'applied'): number =>
    [...actual.events.values()].reduce((sum, each) => sum + each[of], 0)
  try {
    for (;;) {
      // The database server may be on its way up again.
      const actual = await actualFigures(system.adminUrl).catch(() => null)
      signal.throwIfAborted()
      if (actual !== null) {
        const applied = total(actual, 'applied')
        const due = total(actual, 'expected')
        if (applied !== before) movedAt = performance.now()
        const parked = [...actual.events.values()].flatMap((each) => each.parked)
        const isTrying = parked.some(({ state }) => state === 'retrying')
        const isDone = !isTrying && applied + parked.length >= due && applied === before
        before = applied
        if (isDone || performance.now() - movedAt > stuckAfterMs) return actual
        bar ??= progress('effects', due)
        bar.set(applied + parked.length, due)
      }
      await sleep(200, undefined, { signal })
    }
  } finally {
    bar?.end()
  }
}

async function counters(system: System): Promise<Run['counters']> {
  const sum = { applied: 0, duplicates: 0, retried: 0 }
  for (const { url } of Object.values(system.supervisor.announcements())) {
    const said: unknown = await fetch(`${url}/counters`).then(
      (response) => response.json(),
      () => null,
    )
    if (typeof said !== 'object' || said === null) continue
    if ('applied' in said) sum.applied += Number(said.applied)
    if ('duplicates' in said) sum.duplicates += Number(said.duplicates)
    if ('retried' in said) sum.retried += Number(said.retried)
  }
  const { applied, duplicates, retried } = sum
  return { delivered: applied + duplicates, duplicates, retried }
}
