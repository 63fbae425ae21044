import { runHandlers } from '../inbox/run-handlers.ts'
import { EstafetError } from '../message/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventStore, RecordedEvent } from '../ports/event-store.ts'
import type { Logger } from '../ports/logger.ts'
import type { InlineBuilds } from '../ports/projections.ts'
import type { HoldingVault } from '../ports/vault.ts'
import { suffixOf, tableNames } from './build.ts'
import { handlersOf, type Projection } from './projection.ts'

export interface InlineParts<Tx> {
  readonly events: EventStore<Tx>
  readonly builds: InlineBuilds<Tx>
  /** Opens what is personal in events. Null: it stays sealed. */
  readonly vault: HoldingVault<Tx> | null
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * An event store whose appends also fold what they append into read models, in the same transaction: what a handler throws, the
 * append throws, and nothing is written. An append throws MISCONFIGURED when another version of a read model serves
 * than this program has: it would leave that one behind.
 */
export function inlineEvents<Tx>(parts: InlineParts<Tx>, inline: readonly Projection<Tx>[]): EventStore<Tx> {
  const { events } = parts
  return {
    ...events,
    async append(tx, appends, options) {
      const appended = await events.append(tx, appends, options)
      const recorded: RecordedEvent[] = []
      for (const [at, { stream, events: of }] of appends.entries()) {
        const done = appended[at]
        if (done === undefined || done.isRepeat || of.length === 0) continue
        // Read back, because only the log knows their positions and their time.
        const range = { after: done.version - of.length, upTo: done.version, limit: of.length }
        recorded.push(...(await events.readIn(tx, stream, range)))
      }
      recorded.sort((a, b) => (a.position < b.position ? -1 : 1))
      if (recorded.length > 0) await foldInline(parts, inline, tx, recorded)
      return appended
    },
  }
}

async function foldInline<Tx>(
  { builds, vault, clock, logger }: InlineParts<Tx>,
  inline: readonly Projection<Tx>[],
  tx: Tx,
  recorded: readonly RecordedEvent[],
): Promise<void> {
  const serving = await builds.serving(tx)
  for (const of of inline) {
    const build = serving.find((one) => one.projection === of.name)
    if (build === undefined || build.version !== of.version) throw otherVersion(of, build?.version ?? null)
    const handlers = Map.groupBy(handlersOf(of, tableNames(of.tables, suffixOf(build)), 'events'), ({ type }) => type)
    const wanted = recorded.filter(({ topic }) => of.streams?.includes(topic) ?? true)
    const { signal } = new AbortController()
    const run = { tx, handlers, vault, clock, logger, signal, outgoing: [], enter: () => {}, threw: () => {} }
    await runHandlers(run, wanted)
  }
}

function otherVersion<Tx>({ name, version }: Projection<Tx>, serving: number | null): EstafetError {
  const says = serving === null ? 'none is installed' : `version ${serving} serves`
  return new EstafetError(
    'MISCONFIGURED',
    `This program folds version ${version} of the read model ${name} with its appends, and ${says}: install it, or start the newer program.`,
    { details: { projection: name, version } },
  )
}
