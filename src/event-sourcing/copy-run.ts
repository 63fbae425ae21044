import { isEstafetError } from '../message/errors.ts'
import type { RecordedEvent } from '../ports/event-store.ts'
import type { StreamCopy } from './copy.ts'
import {
  type CopyFault,
  type CopyParts,
  isNews,
  namesOf,
  readTail,
  type Tail,
  tailLimit,
  writeTails,
} from './copy-tail.ts'

export interface CopyOptions {
  /**
   * True: each stream is closed with its last copies, by a `StreamMoved` in the same transaction, and who loaded it before and
   * appends afterwards gets WRONG_VERSION. An append that expects `any` or `existing` is not refused: verification names what came
   * after the end. (Default: false, and streams may go on growing.)
   */
  readonly closes?: boolean
  /** Stops between two transactions. What was written stays, and the next run goes on there. */
  readonly signal?: AbortSignal
  /** Called with how many streams a pass has been through. */
  readonly onProgress?: (streams: number) => void
}

/** What a run did. */
export interface CopyReport {
  /** How many there are, also those that were copied before. */
  readonly streams: number
  /** Copies that it wrote. */
  readonly copies: number
  /** Streams that it closed. */
  readonly closed: number
  /** Streams that could not be copied to their end. */
  readonly faults: readonly CopyFault[]
  /** True when it was stopped before its end. */
  readonly isStopped: boolean
}

const pageSize = 200
/** A stream that others write to is tried so often, and then left to the next pass. */
const mostRaces = 100
const mostPasses = 10

/**
 * Copies all streams of a type, and what was added meanwhile, until a pass finds nothing new. Nothing of the old streams is
 * changed, but for the event that closes them when that is wanted. It can be stopped at any time and run again: it goes on where
 * the copies end, and nothing is copied twice, also when several do it.
 *
 * Throws UNAVAILABLE when the database is lost: run it again.
 */
export async function copyStreams<Tx>(
  parts: CopyParts<Tx>,
  copy: StreamCopy,
  options: CopyOptions = {},
): Promise<CopyReport> {
  let [copies, closed] = [0, 0]
  for (let passes = 1; ; passes++) {
    const pass = await once(parts, copy, options)
    copies += pass.copies
    closed += pass.closed
    const isStopped = options.signal?.aborted === true
    if (!isStopped && pass.copies + pass.closed > 0 && passes < mostPasses) continue
    return { streams: pass.streams, copies, closed, faults: pass.faults, isStopped }
  }
}

interface Pass {
  streams: number
  copies: number
  closed: number
  readonly faults: CopyFault[]
}

/** Goes through all streams that there are. */
async function once<Tx>(parts: CopyParts<Tx>, copy: StreamCopy, options: CopyOptions): Promise<Pass> {
  const pass: Pass = { streams: 0, copies: 0, closed: 0, faults: [] }
  for (let after: string | null = null; options.signal?.aborted !== true; ) {
    const sources: readonly RecordedEvent[] = await parts.index.list(copy.from, { after, limit: pageSize })
    const targets = await parts.index.last(sources.map(({ key }) => namesOf(copy, key)[1]))
    await copyPage({ parts, copy, options, pass }, sources, targets)
    after = sources.at(-1)?.key ?? null
    if (sources.length < pageSize || after === null) break
  }
  return pass
}

interface Run<Tx> {
  readonly parts: CopyParts<Tx>
  readonly copy: StreamCopy
  readonly options: CopyOptions
  readonly pass: Pass
}

/** Short streams share transactions; long ones, and those with which something is the matter, come by themselves. */
async function copyPage<Tx>(
  run: Run<Tx>,
  sources: readonly RecordedEvent[],
  targets: readonly (RecordedEvent | null)[],
): Promise<void> {
  const { parts, copy, options, pass } = run
  const closes = options.closes === true
  let together: Tail[] = []
  for (const [at, source] of sources.entries()) {
    if (options.signal?.aborted === true) return
    const tail = await readTail(parts, copy, source, targets[at] ?? null)
    // Source and target were not looked at in one moment: what seems wrong is looked at again.
    if ('says' in tail || !tail.isEnd) await copyOne(run, source.key)
    else if (isNews(tail, closes)) together.push(tail)
    pass.streams += 1
    const isFull = together.reduce((sum, { copies }) => sum + copies.length, 0) >= tailLimit
    if (isFull || at === sources.length - 1) {
      await writeTogether(run, together)
      together = []
      options.onProgress?.(pass.streams)
    }
  }
}

async function writeTogether<Tx>(run: Run<Tx>, tails: readonly Tail[]): Promise<void> {
  if (await wrote(run, tails)) return
  // One of them was written to meanwhile, and all were rolled back.
  for (const { source } of tails) await copyOne(run, source.id)
}

/** Copies one stream to its end. */
async function copyOne<Tx>(run: Run<Tx>, id: string): Promise<void> {
  const { parts, copy, options, pass } = run
  let reached = -1
  for (let races = 0; races < mostRaces; ) {
    if (options.signal?.aborted === true) return
    const [source = null, target = null] = await parts.index.last(namesOf(copy, id))
    if (source === null) return
    const tail = await readTail(parts, copy, source, target)
    if ('says' in tail) {
      pass.faults.push(tail)
      return
    }
    const isWritten = await wrote(run, [tail])
    if (isWritten && tail.isEnd) return
    // A part that is written and does not show was taken out by hand: it would be taken for a repeat for ever.
    if (!isWritten || tail.upTo <= reached) races += 1
    reached = tail.upTo
  }
  pass.faults.push({ stream: id, streamVersion: null, says: 'others were always quicker to write to it: run it again' })
}

/** Writes parts of streams; false when somebody else was first with one of them, and then none is written. */
async function wrote<Tx>({ parts, options, pass }: Run<Tx>, tails: readonly Tail[]): Promise<boolean> {
  const closes = options.closes === true
  try {
    await writeTails(parts, tails, closes)
  } catch (error) {
    // Another process that copies may have cut its parts in another way, or have another transformation.
    if (
      !['WRONG_VERSION', 'CONFLICT', 'APPEND_ID_REUSED'].some((code) => isEstafetError(error) && error.code === code)
    ) {
      throw error
    }
    return false
  }
  pass.copies += tails.reduce((sum, { copies }) => sum + copies.length, 0)
  if (closes) pass.closed += tails.filter((tail) => tail.isEnd && !tail.isClosed).length
  return true
}
