import { type ErrorFacts, errorFacts } from '../delivery/failure.ts'
import type { Handler } from '../delivery/handler.ts'
import { EstafetError } from '../message/errors.ts'
import type { OutgoingMessage, StoredMessage } from '../message/message.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'
import type { HoldingVault } from '../ports/vault.ts'
import type { TableWrites, Watched, WriteProbe } from '../ports/write-probe.ts'
import { runHandlers } from './run-handlers.ts'

export interface DryRunParts<Tx> {
  readonly unitOfWork: UnitOfWork<Tx>
  readonly probe: WriteProbe<Tx>
  readonly handlers: readonly Handler<Tx>[]
  /** Encodes messages as publishing would; what it returns is never called. */
  readonly prepare: (messages: readonly OutgoingMessage[]) => unknown
  /** Opens what is personal in the message. Null: it stays sealed. */
  readonly vault: HoldingVault<Tx> | null
  readonly clock: Clock
  readonly logger: Logger
}

/** What the handlers of a message would do. */
export interface DryRun {
  /** Names of those that were called, in order. */
  readonly handlers: readonly string[]
  /** Why it would fail, and in which handler; null when it would not. */
  readonly failure: (Omit<ErrorFacts, 'fingerprint'> & { readonly handler: string }) | null
  readonly published: readonly OutgoingMessage[]
  /** What was sent to the database, in order, without values. */
  readonly statements: readonly string[]
  /** Rows written, by table; empty after a failure, which would undo them. */
  readonly writes: readonly TableWrites[]
}

/** Ends the transaction of a run that went well; it never leaves this file. */
class Undo extends Error {}

/**
 * Runs the handlers of a message in a transaction that is always rolled back, and tells what they wrote and published.
 *
 * What handlers do elsewhere (a mail, a card) is not undone, and sequences stay advanced. The locks they take are held
 * until it ends. Throws UNAVAILABLE when the database cannot be reached.
 */
export async function dryRun<Tx>(parts: DryRunParts<Tx>, message: StoredMessage, signal: AbortSignal): Promise<DryRun> {
  const called: string[] = []
  const published: OutgoingMessage[] = []
  let watched: Watched<Tx> | null = null
  let writes: readonly TableWrites[] = []
  let failed: { readonly error: unknown } | null = null
  try {
    await parts.unitOfWork.run(async (tx) => {
      watched = await parts.probe.watch(tx)
      try {
        await call(parts, message, { tx: watched.tx, signal, outgoing: published, called })
        await parts.prepare(published)
        writes = await watched.finish()
      } catch (error) {
        failed = { error }
        throw error
      }
      throw new Undo()
    })
  } catch (error) {
    // What failed outside of the handlers is the database's: nothing can be said about them.
    if (failed === null && !(error instanceof Undo)) throw error
  }
  const seen: Watched<Tx> | null = watched
  return {
    handlers: called,
    failure: failed === null ? null : failureOf(failed, message, called.at(-1) ?? message.type),
    published,
    statements: statementsOf(seen),
    writes,
  }
}

interface Call<Tx> {
  readonly tx: Tx
  readonly signal: AbortSignal
  readonly outgoing: OutgoingMessage[]
  readonly called: string[]
}

async function call<Tx>(parts: DryRunParts<Tx>, message: StoredMessage, during: Call<Tx>): Promise<void> {
  const handlers = parts.handlers.filter(({ type }) => type === message.type)
  if (handlers.length === 0) {
    throw new EstafetError('REJECTED', 'No handler of this service takes messages of this type any more.')
  }
  const { tx, signal, outgoing, called } = during
  const { vault, clock, logger } = parts
  const enter = (handler: Handler<Tx>): void => void called.push(handler.name)
  const by = new Map([[message.type, handlers]])
  const run = { tx, signal, outgoing, vault, clock, logger, enter, threw: () => {}, handlers: by }
  await runHandlers(run, [message])
}

function failureOf({ error }: { readonly error: unknown }, message: StoredMessage, handler: string): DryRun['failure'] {
  const { fingerprint: _, ...facts } = errorFacts(error, message, handler)
  return { ...facts, handler }
}

function statementsOf<Tx>(watched: Watched<Tx> | null): readonly string[] {
  return watched?.statements() ?? []
}
