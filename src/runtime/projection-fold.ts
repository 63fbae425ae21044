import { runHandlers } from '../inbox/run-handlers.ts'
import { EstafetError } from '../message/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { Logger } from '../ports/logger.ts'
import type { BuildRef, InlineBuilds, ProjectionSnapshots, TableDifference } from '../ports/projections.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'
import type { HoldingVault } from '../ports/vault.ts'
import { suffixOf, tableNames } from '../projection/build.ts'
import type { TableNames } from '../projection/project.ts'
import { handlersOf, type Projection } from '../projection/projection.ts'

export interface FoldParts<Tx> {
  readonly unitOfWork: UnitOfWork<Tx>
  readonly inline: InlineBuilds<Tx>
  readonly snapshots: ProjectionSnapshots<Tx>
  /** The service's own events, as a transaction sees them. */
  readonly eventsIn: (tx: Tx) => Pick<Log, 'read'>
  /** Opens what is personal in events. Null: it stays sealed. */
  readonly vault: HoldingVault<Tx> | null
  readonly clock: Clock
  readonly logger: Logger
}

/** What a second fold of the events made of a read model. */
export interface Verification extends BuildRef {
  readonly isEqual: boolean
  readonly tables: readonly TableDifference[]
}

/** Of one transaction, so that it can be thrown away. */
class Verified extends Error {
  readonly verification: Verification
  constructor(verification: Verification) {
    super('verified')
    this.verification = verification
  }
}

/**
 * Folds the events again, up to where a build is, into tables of its own, and compares row by row: in one transaction
 * with one snapshot, so that nothing waits for it, and rolled back, so that nothing of it stays.
 *
 * Of the version that the program has, its last build. Throws MISCONFIGURED when there is none, or it also reads public
 * messages; CONFLICT when messages are parked, because then it is not comparable.
 */
export async function verifyProjection<Tx>(of: Projection<Tx>, parts: FoldParts<Tx>): Promise<Verification> {
  if (of.handlers.some(({ from }) => from === 'topics')) {
    throw new EstafetError(
      'MISCONFIGURED',
      `The projection ${of.name} reads public messages, which cannot be folded again here.`,
    )
  }
  try {
    return await parts.unitOfWork.run(async (tx) => {
      const taken = await parts.snapshots.take(tx, of.name, of.version)
      if (taken === null)
        throw new EstafetError('MISCONFIGURED', `Version ${of.version} of ${of.name} was never built.`)
      if (taken.parkedMessages > 0) {
        throw new EstafetError('CONFLICT', `The projection ${of.name} has parked messages: mend them, then verify.`)
      }
      const suffix = suffixOf(taken)
      const again = tableNames(of.tables, `${suffix}_check`)
      await of.setUp(tx, again)
      for (const [lane, upTo] of taken.cursors.entries()) {
        await foldUpTo(of, parts, tx, again, upTo, { index: lane, count: taken.cursors.length })
      }
      const tables = await parts.snapshots.compare(tx, of.tables, suffix, `${suffix}_check`)
      const isEqual = tables.every(({ missing, unexpected }) => missing + unexpected === 0)
      throw new Verified({ version: taken.version, build: taken.build, isEqual, tables })
    })
  } catch (error) {
    if (error instanceof Verified) return error.verification
    throw error
  }
}

/**
 * Makes a version serve whose rows are written with the appends: folds all events there are in one transaction, in which appends
 * wait, and shows it. Does nothing when it serves already, and then resolves to false; so every process may call it at its
 * start. Throws MISCONFIGURED when a newer version serves, when this one was built beside the appends, or when it reads public messages.
 */
export async function installInline<Tx>(of: Projection<Tx>, parts: FoldParts<Tx>): Promise<boolean> {
  if (of.handlers.some(({ from }) => from === 'topics')) {
    throw new EstafetError(
      'MISCONFIGURED',
      `The projection ${of.name} reads public messages, which are not appended here.`,
    )
  }
  const { name: projection, version, tables, streams } = of
  const plan = { projection, version, tables, streams, lanes: 1, eventsFeed: null }
  return parts.unitOfWork.run((tx) =>
    parts.inline.install(tx, plan, async (head) => {
      const table = tableNames(tables, suffixOf({ version, build: 1 }))
      await of.setUp(tx, table)
      await foldUpTo(of, parts, tx, table, head, { index: 0, count: 1 })
    }),
  )
}

const atOnce = 500

async function foldUpTo<Tx>(
  of: Projection<Tx>,
  { eventsIn, vault, clock, logger }: Pick<FoldParts<Tx>, 'eventsIn' | 'vault' | 'clock' | 'logger'>,
  tx: Tx,
  table: TableNames,
  upTo: bigint,
  lane: { readonly index: number; readonly count: number },
): Promise<void> {
  const handlers = Map.groupBy(handlersOf(of, table, 'events'), ({ type }) => type)
  const log = eventsIn(tx)
  const { signal } = new AbortController()
  const run = { tx, handlers, vault, clock, logger, signal, outgoing: [], enter: () => {}, threw: () => {} }
  let after = 0n
  for (;;) {
    const messages = await log.read({ after, upTo, limit: atOnce, topics: of.streams, lane })
    await runHandlers(run, messages)
    const last = messages.at(-1)
    if (last === undefined || messages.length < atOnce) return
    after = last.position
  }
}
