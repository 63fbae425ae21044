import type { Handler } from '../delivery/handler.ts'
import type { OutgoingMessage, StoredMessage } from '../message/message.ts'
import type { Clock } from '../ports/clock.ts'
import type { Inbox } from '../ports/inbox.ts'
import type { Lane, LaneStore } from '../ports/lane-store.ts'
import type { Logger } from '../ports/logger.ts'
import type { Prepare, Write } from '../ports/outbox.ts'
import type { Parking } from '../ports/parking.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'
import type { HoldingVault } from '../ports/vault.ts'
import type { Plan } from './plan.ts'
import { type HandlerRun, runHandlers } from './run-handlers.ts'
import { sentAgain } from './sent-again.ts'

export interface DeliverParts<Tx> {
  readonly unitOfWork: UnitOfWork<Tx>
  readonly lanes: LaneStore<Tx>
  readonly parking: Parking<Tx>
  /** Null: messages of others are told apart by their place alone. */
  readonly inbox: Inbox<Tx> | null
  /** By event type, in the order in which they run. */
  readonly handlers: ReadonlyMap<string, readonly Handler<Tx>[]>
  /** Encodes messages now, and returns what writes them. */
  readonly prepare: Prepare<Tx>
  /** Opens what is personal in messages. Null: it stays sealed. */
  readonly vault: HoldingVault<Tx> | null
  readonly clock: Clock
  readonly logger: Logger
}

export interface Delivered {
  /** As saved. */
  readonly lane: Lane
  /** How many messages' handlers ran. */
  readonly applied: number
  /** How many were put behind their parked keys. */
  readonly parked: number
  /** How many their senders had sent before. */
  readonly duplicates: number
  /** Of the keys asked about, those that are not parked any more. */
  readonly free: readonly string[]
}

/**
 * Handles the plan's messages in one transaction together with what they publish and the lane's progress. Those of parked
 * keys are put behind them instead; `mayBeParked` names all keys of the lane that are parked, and may name more.
 *
 * Throws what a handler threw, FENCED when the lane is no longer ours, or what the database said; nothing is then
 * written. Stopped anywhere before the commit, nothing happened; stopped after it, everything did, once.
 */
export async function deliverOnce<Tx>(
  parts: DeliverParts<Tx>,
  lane: Lane,
  planned: Plan,
  mayBeParked: ReadonlySet<string>,
  during: Pick<HandlerRun<Tx>, 'signal' | 'enter' | 'threw'>,
): Promise<Delivered> {
  const messages = planned.fresh.map(({ message }) => message)
  const asked = [...new Set(messages.map(({ key }) => key).filter((key) => mayBeParked.has(key)))].sort()
  let write: Write<Tx> = () => Promise.resolve()
  let again: ReadonlySet<StoredMessage> = new Set()
  let followers: readonly StoredMessage[] = []
  let parked = new Set<string>()
  await parts.unitOfWork.run(
    async (tx) => {
      const outgoing: OutgoingMessage[] = []
      const { handlers, vault, clock, logger } = parts
      const run = { tx, handlers, vault, clock, logger, outgoing, ...during }
      again = await sentAgain(parts.inbox, tx, lane, planned.fresh)
      const fresh = messages.filter((message) => !again.has(message))
      await runHandlers(
        run,
        fresh.filter(({ key }) => !mayBeParked.has(key)),
      )
      if (asked.length > 0) {
        // After the others: an attempt at one of these keys may hold rows that their handlers want, and wait for us.
        parked = new Set(await parts.parking.hold(tx, lane, asked))
        await runHandlers(
          run,
          fresh.filter(({ key }) => mayBeParked.has(key) && !parked.has(key)),
        )
      }
      // A type that nobody handles has no effect, and so has none to wait with.
      followers = fresh.filter(({ key, type }) => parked.has(key) && parts.handlers.has(type))
      write = await parts.prepare(outgoing)
    },
    (tx) => allSettled(write(tx), putBehind(parts, tx, lane, followers), parts.lanes.save(tx, lane, planned.progress)),
  )
  return {
    lane: { ...lane, ...planned.progress, abandoned: 0 },
    applied: messages.filter((message) => !again.has(message) && !parked.has(message.key)).length,
    duplicates: again.size,
    parked: followers.length,
    free: asked.filter((key) => !parked.has(key)),
  }
}

function putBehind<Tx>(
  parts: DeliverParts<Tx>,
  tx: Tx,
  lane: Lane,
  followers: readonly StoredMessage[],
): Promise<void> {
  if (followers.length === 0) return Promise.resolve()
  return parts.parking.park(
    tx,
    lane,
    followers.map((message) => ({ message, failure: null })),
  )
}

/** Waits for all, whatever happens to one: a rollback must not overtake a statement that is still on its way. */
export async function allSettled(...statements: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(statements)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}
