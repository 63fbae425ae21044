import type { BadLine } from '../replay/bad-line.ts'
import type { Sent } from '../replay/send.ts'
import type { Figures } from './figures.ts'
import type { Reconciliation } from './reconcile.ts'

export interface Run {
  readonly file: string
  readonly badLines: readonly BadLine[]
  readonly sent: Sent
  /** How it stood before a fault made on purpose was mended, and what was redriven then; null without one. */
  readonly mended: Mended | null
  readonly reconciliation: Reconciliation
  readonly counters: { readonly delivered: number; readonly duplicates: number; readonly retried: number }
  /** What was killed on purpose, in order. */
  readonly killed: readonly string[]
  /** That decided the kills. */
  readonly seed: number | null
  readonly restarts: number
  readonly seconds: number
}

export interface Mended {
  readonly before: Reconciliation
  /** Dead letters brought back, by service. */
  readonly redriven: Readonly<Record<string, number>>
}

/** The result of a run for people: tables, and a last line that says whether all is equal. */
export function report(run: Run): string {
  const { reconciliation: found, sent } = run
  const kinds = Object.entries(sent.kinds).map(([kind, count]) => `${count} ${kind}${count === 1 ? '' : 's'}`)
  const services = [
    ['', 'invoices', 'lines', 'total', ''],
    ['file', ...cells(found.file), ''],
    ...found.services.map(({ name, figures, isEqual }) => [name, ...cells(figures), isEqual ? 'equal' : 'DIFFERS']),
  ]
  const countries = [
    ['country', 'invoices', 'lines', 'total', 'in all four databases'],
    ...found.countries.map(({ country, file, differences }) => {
      const others = Object.entries(differences).map(([name, has]) => `${name} has ${cells(has).join(' / ')}`)
      return [country, ...cells(file), others.length === 0 ? 'equal' : `DIFFERS: ${others.join('; ')}`]
    }),
  ]
  const events = [
    ['events', 'published', 'due here', 'applied', 'parked', 'doubled', 'lost'],
    ...found.events.map((e) => [
      e.name,
      ...[e.published, e.expected, e.applied, e.parked.length, e.doubled, e.lost].map(String),
    ]),
  ]
  const audits = found.audits.map(({ says, wrong }) => `${wrong === 0 ? 'yes' : `NO (${wrong})`}  ${says}`)
  const { delivered, duplicates, retried } = run.counters
  return [
    table(services),
    table(countries),
    table(events),
    ...parkedEvents(found),
    ...audits,
    '',
    `Sent ${kinds.join(', ')}; ${sent.retries} requests repeated, ${sent.refused.length} refused.`,
    ...refusals(sent),
    `Since they last began, the services got ${delivered} events and dropped ${duplicates} duplicates; ${retried} batches retried.`,
    ...kills(run),
    ...mendings(run),
    `${run.badLines.length} bad lines skipped. Time taken: ${run.seconds.toFixed(1)} s.`,
    '',
    verdict(found),
  ].join('\n')
}

/** One sentence: is all of it right? */
export function verdict(found: Reconciliation): string {
  if (found.isEqual) return 'Reconciled: everything is equal.'
  if (found.isExplained && found.events.some(({ parked }) => parked.length > 0)) {
    return 'Not equal yet, and all of it is accounted for: what is missing are the effects of the events parked above.'
  }
  return 'NOT reconciled: see what says DIFFERS or NO, and the events lost or doubled.'
}

function mendings({ mended }: Run): readonly string[] {
  if (mended === null) return []
  const dead = Object.entries(mended.redriven).map(([name, count]) => `${name} ${count}`)
  return [`Poisoned on purpose, mended, and redriven in portions of 1, 10 and the rest: ${dead.join(', ')}.`]
}

const shownParked = 10

/** What is parked in each service, by name. */
export function parkedEvents({ events }: Reconciliation): readonly string[] {
  const lines = events.flatMap(({ name, parked }) => {
    const shown = parked
      .slice(0, shownParked)
      .map(
        ({ type, key, state, error }) => `  ${name}: ${type} of ${key}, ${state}${error === null ? '' : `, ${error}`}`,
      )
    const rest = parked.length - shown.length
    return rest > 0 ? [...shown, `  ${name}: and ${rest} more (estafet dead-letters list shows them)`] : shown
  })
  return lines.length === 0 ? [] : ['Parked:', ...lines, '']
}

function refusals({ refused }: Sent): readonly string[] {
  const shown = refused.slice(0, 10).map(({ invoiceNo, status }) => `  invoice ${invoiceNo}: HTTP ${status}`)
  return refused.length > shown.length ? [...shown, `  and ${refused.length - shown.length} more`] : shown
}

function kills({ seed, killed, restarts }: Run): readonly string[] {
  if (seed === null) return restarts === 0 ? [] : [`${restarts} services ended by themselves and were started again.`]
  const counts = [...new Set(killed)].sort().map((name) => `${name} ${killed.filter((each) => each === name).length}`)
  return [`Killed ${killed.length} times (seed ${seed}): ${counts.join(', ')}. ${restarts} restarts of services.`]
}

function cells({ invoices, lines, total }: Figures): readonly string[] {
  return [String(invoices), String(lines), total.replace(/00$/, '')]
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? []
  const isNumber = (at: number): boolean => rows.slice(1).every((row) => /^-?[\d.]*$/.test(row[at] ?? ''))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => (isNumber(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd()
  return `${rows.map(line).join('\n')}\n`
}
