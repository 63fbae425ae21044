import { randomBytes } from 'node:crypto'
import { postgresEventStore } from '../../drivers/postgres/event-store.ts'
import type { Sql } from '../../drivers/postgres/sql.ts'
import { postgresStreamIndex } from '../../drivers/postgres/stream-index.ts'
import { postgresUnitOfWork } from '../../drivers/postgres/unit-of-work.ts'
import type { StreamCopy } from '../../event-sourcing/copy.ts'
import { type CopyReport, copyStreams } from '../../event-sourcing/copy-run.ts'
import type { CopyParts } from '../../event-sourcing/copy-tail.ts'
import { type CopyVerdict, previewCopies, verifyCopies } from '../../event-sourcing/copy-verify.ts'
import { uuidV7 } from '../../message/uuid.ts'
import { fields } from '../columns.ts'
import type { Call, Outcome } from '../command.ts'
import { confirm } from '../confirm.ts'
import { copyFile, loadCopy } from '../copy-module.ts'
import { type PooledDatabase, withDatabase } from '../database.ts'
import type { Diagnostic } from '../envelope.ts'
import { missing, usage } from '../failure.ts'
import { progress } from '../progress.ts'

export async function copy(call: Call): Promise<Outcome> {
  const { options } = call
  const isReading = options.has('verify-only') || options.has('dry-run')
  if (options.has('verify-only') && options.has('dry-run')) throw usage('Give --verify-only or --dry-run, not both.')
  if (isReading && options.has('close')) throw usage('--close writes: give it without --verify-only and --dry-run.')
  const of = await loadCopy(call)
  return withDatabase(call, async (database) => {
    const parts = partsOf(database)
    const { streams, events } = await parts.index.count(of.from)
    if (streams === 0) {
      throw missing(
        `There is no stream of ${of.from} in this database.`,
        'See `from` of the copy, and ESTAFET_DATABASE_URL.',
      )
    }
    const work: Work = { call, parts, of, streams }
    if (options.has('dry-run')) return foreseen(work, await looked(work, 'reading', previewCopies))
    if (options.has('verify-only')) return told(work, null, await looked(work, 'verifying', verifyCopies))
    const refusal = await asked(work, events)
    return refusal ?? copied(work)
  })
}

interface Work {
  readonly call: Call
  readonly parts: CopyParts<Sql>
  readonly of: StreamCopy
  readonly streams: number
}

function partsOf(database: PooledDatabase): CopyParts<Sql> {
  // Of which service the events are makes no difference here.
  const options = { source: '' }
  return {
    ...{ events: postgresEventStore(database.pool, options), index: postgresStreamIndex(database.pool, options) },
    ...{ unitOfWork: postgresUnitOfWork(database.pool), vault: null },
    newId: () => uuidV7(Date.now(), randomBytes(10)),
  }
}

function asked({ call, of, streams }: Work, events: number): Promise<Outcome | null> {
  const closes = call.options.has('close')
  const close = closes
    ? ' Each of them is closed: who has loaded it before is refused, and who appends with `any` or `existing` is not.'
    : ''
  return confirm(call, {
    data: { ...namesOf(of), streams, events },
    text: `${count(streams, 'stream')} of ${of.from} with ${count(events, 'event')} would be copied to ${of.to}; what was copied before is not copied again. Events cannot be deleted.${close}`,
    question: `Copy ${count(streams, 'stream')} of ${of.from} to ${of.to}${closes ? ' and close them' : ''}`,
  })
}

async function copied(work: Work): Promise<Outcome> {
  const { call, parts, of, streams } = work
  const bar = progress(call, 'copying', streams)
  const report = await copyStreams(parts, of, {
    ...{ closes: call.options.has('close'), signal: call.signal },
    onProgress: (done) => bar.at(done),
  }).finally(() => bar.end())
  if (report.isStopped) return stopped(work, report)
  return told(work, report, await looked(work, 'verifying', verifyCopies))
}

async function looked(
  { call, parts, of, streams }: Work,
  says: string,
  look: typeof verifyCopies,
): Promise<CopyVerdict> {
  const bar = progress(call, says, streams)
  return look(parts, of, { signal: call.signal, onProgress: (done) => bar.at(done) }).finally(() => bar.end())
}

function foreseen({ call, of }: Work, verdict: CopyVerdict): Outcome {
  const diagnostics = differenceLines(of, verdict)
  const next = diagnostics.length > 0 ? '' : `Next: ${lineOf(call)} copies them, while the service works.`
  return {
    data: { ...namesOf(of), wouldBe: verdict },
    text: [fields({ copy: `${of.from} to ${of.to}`, ...sumsOf(verdict), written: 'nothing' }), next]
      .join('\n\n')
      .trimEnd(),
    exit: diagnostics.length > 0 ? 'found' : 'ok',
    diagnostics,
  }
}

function stopped({ call, of }: Work, { copies, closed }: CopyReport): Outcome {
  const text = `Stopped: ${count(copies, 'copy', 'copies')} written, ${closed} streams closed. ${lineOf(call)} goes on there.`
  return {
    data: { ...namesOf(of), copied: { copies, closed }, verified: null },
    text,
    exit: 'interrupted',
    diagnostics: [],
  }
}

/** What was done and found, and what to do next. */
function told(work: Work, report: CopyReport | null, verdict: CopyVerdict): Outcome {
  const { call, of } = work
  const faults = report?.faults ?? []
  const known = new Set(faults.map(({ stream }) => stream))
  const rest = verdict.differences.filter(({ stream }) => !known.has(stream))
  const diagnostics = [
    ...faults.map(({ stream, streamVersion, says }) =>
      fault('COPY_REFUSED', `${of.from} ${stream}${streamVersion === null ? '' : ` at event ${streamVersion}`}`, says),
    ),
    ...differenceLines(of, { ...verdict, differences: rest }),
  ]
  const done = report === null ? {} : { written: count(report.copies, 'copy', 'copies') }
  const isWell = faults.length + verdict.behind + verdict.different === 0 && !verdict.isStopped
  return {
    data: { ...namesOf(of), copied: report, verified: verdict },
    text: [
      fields({ copy: `${of.from} to ${of.to}`, ...sumsOf(verdict), ...done }),
      nextStep(call, of, faults.length, verdict),
    ].join('\n\n'),
    exit: isWell ? 'ok' : 'found',
    diagnostics: diagnostics.slice(0, mostLines),
  }
}

const mostLines = 50

function nextStep(call: Call, of: StreamCopy, faults: number, verdict: CopyVerdict): string {
  const { streams, closed, behind, different, isStopped } = verdict
  if (isStopped) return `Stopped: the rest was not verified. ${lineOf(call, '--verify-only')} does it.`
  const outOf = (number: number): string => `${number} of ${streams} streams`
  if (different > 0)
    return `Wrong copies: ${outOf(different)}. Find out who changed them, or the transformation, since they were made.`
  if (faults > 0)
    return `Not copied: ${outOf(faults)}. Put the transformation right and run it again; the others are done.`
  if (behind > 0) return `Not copied to the end: ${outOf(behind)}. ${lineOf(call)} goes on with them.`
  if (closed === streams)
    return `Every copy is right, and every stream of ${of.from} is closed: what counts from now on is ${of.to}.`
  return `Every copy is right. ${streams - closed} streams of ${of.from} are open, and may grow: when every process knows ${of.to}, ${lineOf(call, '--close')} copies the rest and closes them.`
}

function sumsOf({ streams, closed, events, copies, dropped }: CopyVerdict): Readonly<Record<string, string>> {
  const types = Object.entries(dropped).map(([type, number]) => `${type} ${number}`)
  return {
    streams: `${streams}, of them ${closed} closed`,
    events: String(events),
    copies: String(copies),
    dropped: types.length === 0 ? 'none' : types.join(', '),
  }
}

function differenceLines(of: StreamCopy, { differences }: CopyVerdict): readonly Diagnostic[] {
  return differences.slice(0, mostLines).map(({ stream, streamVersion, kind, says }) => {
    const where = `${of.from} ${stream}${streamVersion === null ? '' : `, version ${streamVersion} of its copy`}`
    return fault(kind === 'behind' ? 'COPY_BEHIND' : 'COPY_DIFFERS', where, says)
  })
}

function fault(code: string, where: string, says: string): Diagnostic {
  return { code, severity: 'error', message: `${where}: ${says}.`, hint: null }
}

function namesOf({ from, to }: StreamCopy): { readonly from: string; readonly to: string } {
  return { from, to }
}

function lineOf(call: Call, more = ''): string {
  return ['estafet streams copy --module', copyFile(call), more].join(' ').trimEnd()
}

function count(number: number, one: string, several = `${one}s`): string {
  return `${number} ${number === 1 ? one : several}`
}
