import type { Handler, HandlerContext } from '../delivery/handler.ts'
import type { OutgoingMessage, StoredMessage } from '../message/message.ts'
import type { Lane, LaneStore } from '../ports/lane-store.ts'
import { type Logger, withFields } from '../ports/logger.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'
import type { Plan } from './plan.ts'

export interface DeliverParts<Tx> {
  readonly unitOfWork: UnitOfWork<Tx>
  readonly lanes: LaneStore<Tx>
  /** By event type, in the order in which they run. */
  readonly handlers: ReadonlyMap<string, readonly Handler<Tx>[]>
  /** Encodes messages now, and returns what writes them. */
  readonly prepare: (messages: readonly OutgoingMessage[]) => (tx: Tx) => Promise<unknown>
  readonly logger: Logger
}

/**
 * Handles the plan's messages in one transaction together with what they publish and the lane's progress, and returns
 * the lane as saved.
 *
 * Throws what a handler threw, FENCED when the lane is no longer ours, or what the database said; nothing is then
 * written. Stopped anywhere before the commit, nothing happened; stopped after it, everything did, once.
 */
export async function deliverOnce<Tx>(
  parts: DeliverParts<Tx>,
  lane: Lane,
  planned: Plan,
  signal: AbortSignal,
): Promise<Lane> {
  let write: (tx: Tx) => Promise<unknown> = () => Promise.resolve()
  await parts.unitOfWork.run(
    async (tx) => {
      const outgoing: OutgoingMessage[] = []
      for (const run of runsOfType(planned)) {
        for (const handler of parts.handlers.get(run.type) ?? []) {
          await handleRun(parts, handler, run.messages, { tx, signal, outgoing })
        }
      }
      write = parts.prepare(outgoing)
    },
    (tx) => bothSettled(write(tx), parts.lanes.save(tx, lane, planned.progress)),
  )
  return { ...lane, ...planned.progress }
}

/** Waits for both, whatever happens to one: a rollback must not overtake a statement that is still on its way. */
async function bothSettled(...statements: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(statements)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

interface Run {
  readonly type: string
  readonly messages: readonly [StoredMessage, ...StoredMessage[]]
}

/** Neighbours of one type together: a set handler gets as many as it can without changing the order. */
function runsOfType(planned: Plan): readonly Run[] {
  const runs: { type: string; messages: [StoredMessage, ...StoredMessage[]] }[] = []
  for (const { message } of planned.fresh) {
    const last = runs.at(-1)
    if (last?.type === message.type) last.messages.push(message)
    else runs.push({ type: message.type, messages: [message] })
  }
  return runs
}

async function handleRun<Tx>(
  parts: DeliverParts<Tx>,
  handler: Handler<Tx>,
  messages: Run['messages'],
  during: { readonly tx: Tx; readonly signal: AbortSignal; readonly outgoing: OutgoingMessage[] },
): Promise<void> {
  const groups = handler.isSet ? [messages] : messages.map((message): Run['messages'] => [message])
  for (const group of groups) {
    during.signal.throwIfAborted()
    const cause = group[0]
    const context: HandlerContext<Tx> = {
      tx: during.tx,
      signal: during.signal,
      log: withFields(parts.logger, {
        message_id: cause.id,
        type: cause.type,
        correlation_id: cause.correlationId,
      }),
      publish: (...published) => {
        during.outgoing.push(...published.map((message) => causedBy(cause, message)))
      },
    }
    await handler.run(group, context)
  }
}

/** Fills in where a message comes from, unless its publisher said so itself. */
function causedBy(cause: StoredMessage, message: OutgoingMessage): OutgoingMessage {
  return {
    ...message,
    context: {
      ...message.context,
      correlationId: message.context.correlationId ?? cause.correlationId,
      causationId: message.context.causationId ?? cause.id,
      traceparent: message.context.traceparent ?? cause.traceparent ?? undefined,
    },
  }
}
