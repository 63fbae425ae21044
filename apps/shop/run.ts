import { setTimeout as sleep } from 'node:timers/promises'
import type { Options } from './options.ts'
import { type Actual, actualFigures } from './reconciliation/actual.ts'
import { expectedFigures } from './reconciliation/expected.ts'
import { reconcile } from './reconciliation/reconcile.ts'
import type { Run } from './reconciliation/report.ts'
import { readInvoices } from './replay/invoices.ts'
import { progress } from './replay/progress.ts'
import { type Sent, sendInvoices } from './replay/send.ts'
import { killAtRandom } from './system/kills.ts'
import type { System } from './system/system.ts'

/** Feeds the running shop with a file and compares what became of it. Rejects when the signal aborts. */
export async function run(
  system: System,
  options: Options,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<Run> {
  const begun = performance.now()
  const { invoices, badLines } = await readInvoices(options.file, options.invoices)
  for (const { line, reason } of badLines.slice(0, 20)) say(`line ${line}: ${reason}`)
  if (badLines.length > 20) say(`... and ${badLines.length - 20} more bad lines`)
  const healed = new AbortController()
  const kills =
    options.kill === null ? [] : killAtRandom(system, options.kill, AbortSignal.any([signal, healed.signal]))
  const bar = progress('invoices', invoices.length)
  const sent = await sendInvoices(invoices, {
    url: () => String(system.supervisor.announcements()['orders']?.['url'] ?? 'http://127.0.0.1:9'),
    signal,
    rate: options.rate,
    atOnce: 12,
    sent: () => bar.add(1),
  })
  bar.end()
  healed.abort()
  const killed = await kills
  if (options.kill !== null) say(`killed, seed ${options.kill}: ${killed.join(', ') || 'nothing'}`)
  signal.throwIfAborted()
  const actual = await drained(system, signal)
  const wanted = new Set(invoices.map(({ invoiceNo }) => invoiceNo))
  const expected = await expectedFigures(options.file, {
    lines: new Set(badLines.map(({ line }) => line)),
    isWanted: (invoiceNo) => wanted.has(invoiceNo),
  })
  return {
    file: options.file,
    badLines,
    sent,
    reconciliation: reconcile(expected, actual),
    counters: await counters(system),
    restarts: Object.values(system.supervisor.restarts()).reduce((sum, each) => sum + each, 0),
    seconds: (performance.now() - begun) / 1000,
  }
}

export type { Sent }

/** Waits until every event has had its effect, or nothing has moved for a minute. */
async function drained(system: System, signal: AbortSignal): Promise<Actual> {
  let before = -1
  let movedAt = performance.now()
  const total = (actual: Actual, of: 'expected' | 'applied'): number =>
    [...actual.events.values()].reduce((sum, each) => sum + each[of], 0)
  for (;;) {
    const actual = await actualFigures(system.adminUrl).catch(() => null)
    signal.throwIfAborted()
    if (actual !== null) {
      const applied = total(actual, 'applied')
      const isDone = applied >= total(actual, 'expected') && applied === before
      if (applied !== before) movedAt = performance.now()
      before = applied
      if (isDone || performance.now() - movedAt > 60_000) return actual
    }
    await sleep(200, undefined, { signal })
  }
}

async function counters(system: System): Promise<Run['counters']> {
  const sum = { delivered: 0, duplicates: 0, retried: 0 }
  for (const { url } of Object.values(system.supervisor.announcements())) {
    const said: unknown = await fetch(`${url}/counters`).then(
      (response) => response.json(),
      () => null,
    )
    if (typeof said !== 'object' || said === null) continue
    if ('applied' in said) sum.delivered += Number(said.applied)
    if ('duplicates' in said) {
      sum.delivered += Number(said.duplicates)
      sum.duplicates += Number(said.duplicates)
    }
    if ('retried' in said) sum.retried += Number(said.retried)
  }
  return sum
}
