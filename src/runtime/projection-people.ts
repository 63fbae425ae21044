import { EstafetError } from '../message/errors.ts'
import type {
  BuildRecord,
  BuildRef,
  ProjectionBuilds,
  ProjectionControl,
  ProjectionPositions,
  ProjectionReports,
  PromotionOutcome,
} from '../ports/projections.ts'
import type { Projection } from '../projection/projection.ts'
import { type FoldParts, installInline, type Verification, verifyProjection } from './projection-fold.ts'

/** Who asks for a change, and why. */
export interface Asker {
  readonly who: string
  readonly reason?: string
}

export interface WaitOptions {
  /** (Default: 5 s.) */
  readonly timeoutMs?: number
  /** Gives up at once. */
  readonly signal?: AbortSignal
}

/** A build, and how long it takes until it has caught up, as far as anybody can tell. */
export interface ProjectionStatus extends BuildRecord {
  /** Until everything is folded, at the pace of late; 0 when it is, null while nobody knows. */
  readonly secondsLeft: number | null
}

/** The read models of a database, for people and for readers. Changes are rows of the audit. */
export interface Projections<Tx> {
  /** For `startProjections`. */
  readonly builds: ProjectionBuilds<Tx> & ProjectionReports
  /** All builds of all projections. */
  list(): Promise<readonly ProjectionStatus[]>
  /** Lets the builds of a projection stand where they are. False when they did. */
  pause(projection: string, by: Asker): Promise<boolean>
  resume(projection: string, by: Asker): Promise<boolean>
  /**
   * Wants the version that serves built again, beside it, by a process that runs it; that switches when it has caught up. Null when
   * nothing serves, or something is being built.
   */
  rebuild(projection: string, by: Asker): Promise<BuildRef | null>
  /**
   * Shows a build instead of the one that serves, in one transaction. With `force` also one that is behind, stopped or has parked
   * keys: the way back. Says why not, and then nothing is changed. Throws CONFLICT when a reader is in the way: try again.
   */
  promote(projection: string, of: BuildRef, by: Asker & { readonly force?: boolean }): Promise<PromotionOutcome>
  /** Removes a build that does not serve, with its tables. False when there is none, or it serves. */
  drop(projection: string, of: BuildRef, by: Asker): Promise<boolean>
  /** Folds the events again and compares; see verifyProjection. Writes nothing that stays. */
  verify(of: Projection<Tx>): Promise<Verification>
  /** Makes a version serve whose rows are written with the appends; see installInline. */
  install(of: Projection<Tx>): Promise<boolean>
  /**
   * Resolves once what serves has folded everything that was committed up to a position of the service's own events; that of
   * `handle`, to read what you wrote. At once for null: nothing happened. Throws TIMED_OUT, or the signal's reason.
   */
  waitFor(projection: string, position: bigint | null, options?: WaitOptions): Promise<void>
}

export interface ProjectionsParts<Tx> extends FoldParts<Tx> {
  readonly builds: ProjectionBuilds<Tx> & ProjectionReports
  readonly control: ProjectionControl
  readonly positions: ProjectionPositions
}

/** What a driver's door gives people. */
export function projectionsOf<Tx>(parts: ProjectionsParts<Tx>): Projections<Tx> {
  const { builds, control, unitOfWork } = parts
  const told = ({ who, reason = null }: { readonly who: string; readonly reason?: string | null }) => ({ who, reason })
  return {
    builds,
    list: async () => (await control.list()).map((record) => ({ ...record, secondsLeft: secondsLeft(record) })),
    pause: (projection, by) => control.pause(projection, true, told(by)),
    resume: (projection, by) => control.pause(projection, false, told(by)),
    rebuild: (projection, by) => control.rebuild(projection, told(by)),
    promote: (projection, of, by) =>
      unitOfWork.run((tx) => builds.promote(tx, projection, of, { ...told(by), force: by.force ?? false })),
    drop: (projection, of, by) => control.drop(projection, of, told(by)),
    verify: (of) => verifyProjection(of, parts),
    install: (of) => installInline(of, parts),
    waitFor: (projection, position, options) => waitFor(parts, projection, position, options),
  }
}

/** Between two looks: soon at first, for most are there at once. */
const [firstMs, longestMs] = [2, 50]

async function waitFor<Tx>(
  { positions, clock }: Pick<ProjectionsParts<Tx>, 'positions' | 'clock'>,
  projection: string,
  position: bigint | null,
  { timeoutMs = 5_000, signal = new AbortController().signal }: WaitOptions = {},
): Promise<void> {
  if (position === null) return
  const until = clock.now() + timeoutMs
  for (let waitMs = firstMs; ; waitMs = Math.min(waitMs * 2, longestMs)) {
    signal.throwIfAborted()
    if (await positions.hasPassed(projection, position)) return
    const leftMs = until - clock.now()
    if (leftMs <= 0) {
      throw new EstafetError(
        'TIMED_OUT',
        `The projection ${projection} did not pass position ${position} within ${timeoutMs} ms.`,
        { details: { projection, position: position.toString(), timeoutMs } },
      )
    }
    await clock.sleep(Math.min(waitMs, leftMs), signal)
  }
}

function secondsLeft({ feeds, isInline, stops, isPaused }: BuildRecord): number | null {
  if (isInline) return 0
  const times = feeds.map(({ left, perSecond }) => {
    if (left === 0n) return 0
    return left === null || perSecond === null || perSecond === 0 ? null : Number(left) / perSecond
  })
  if (times.length === 0 || times.includes(null)) return null
  const longest = Math.max(...times.map((time) => time ?? 0))
  // What stands still is never there.
  return longest > 0 && (stops.length > 0 || isPaused) ? null : longest
}
