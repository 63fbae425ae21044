import { type BackOff, backOffMs } from '../delivery/back-off.ts'
import { errorName } from '../delivery/failure.ts'
import { EstafetError } from '../message/errors.ts'
import type { OutgoingMessage } from '../message/message.ts'
import { type Logger, withFields } from '../ports/logger.ts'
import type { Write } from '../ports/outbox.ts'
import type { SagaVersion } from '../ports/sagas.ts'
import { advance, keepFailed, type SagaParts } from '../saga/advance.ts'
import { type Agent, agent } from './agent.ts'
import type { World } from './running.ts'
import type { Store } from './store.ts'

export interface SagaLoopParts<Tx> extends SagaParts<Tx>, World {
  /** Says aloud that sagas are stuck; from time to time. (Default: nobody does.) */
  readonly alarm?: () => Promise<void>
  readonly store: Pick<Store<Tx>, 'unitOfWork' | 'prepare'>
  readonly logger: Logger
  /** How many turns may be under way at once. */
  readonly turnsAtOnce: number
  /** Between two looks for what is due. */
  readonly lookMs: number
  readonly backOff: BackOff
}

export interface SagaLoop {
  readonly agent: Agent
  readonly ended: Promise<void>
}

const alarmEveryMs = 60_000

/** Takes the turns of sagas that are due, until `stopping` aborts: times that have come, and turns that failed before. */
export function sagaLoop<Tx>(parts: SagaLoopParts<Tx>, stopping: AbortSignal, abort: AbortSignal): SagaLoop {
  const { clock, random, logger, lookMs, turnsAtOnce } = parts
  const own = agent('sagas', clock)
  const versions = [...parts.definitions.keys()].map(versionOf)

  async function drain(): Promise<void> {
    while (!stopping.aborted && (await turnDue(parts, versions, abort))) own.working()
  }

  async function look(): Promise<void> {
    own.working()
    if (!(await turnDue(parts, versions, abort))) return
    // There may be more: as many at once as may be.
    const all = await Promise.allSettled(Array.from({ length: turnsAtOnce }, drain))
    for (const each of all) if (each.status === 'rejected') throw each.reason
  }

  async function run(): Promise<void> {
    let attempt = 0
    let alarmedAt = clock.now() - alarmEveryMs
    while (!stopping.aborted) {
      let waitMs = lookMs
      try {
        await look()
        if (clock.now() - alarmedAt >= alarmEveryMs) {
          alarmedAt = clock.now()
          await parts.alarm?.()
        }
        attempt = 0
        own.beat()
      } catch (error) {
        attempt += 1
        own.retry(error)
        waitMs = backOffMs(parts.backOff, attempt, random.fraction())
        logger.warn('sagas cannot be looked at and are tried again', { attempt, error: errorName(error) })
      }
      await clock.sleep(waitMs, stopping)
    }
    own.stopped()
  }

  return { agent: own, ended: run() }
}

/**
 * Takes one turn of the saga that is overdue for longest; false when none is due. A turn that throws is thrown away, and written down
 * as failed: if the process ends in between, it is due as it was.
 */
export async function turnDue<Tx>(
  parts: SagaLoopParts<Tx>,
  versions: readonly SagaVersion[],
  abort: AbortSignal,
): Promise<boolean> {
  const { sagas, store, logger } = parts
  let claimed: string | null = null
  let write: Write<Tx> = () => Promise.resolve()
  const stop = new AbortController()
  const signal = AbortSignal.any([abort, stop.signal])
  try {
    await store.unitOfWork.run(
      async (tx) => {
        claimed = await sagas.claim(tx, versions)
        if (claimed === null) return
        const outgoing: OutgoingMessage[] = []
        const log = withFields(logger, { saga: claimed })
        const publish = (...messages: readonly OutgoingMessage[]): void => void outgoing.push(...messages)
        await inTime(
          parts,
          stop,
          advance(parts, { tx, publish, log, signal }, claimed, () => true),
        )
        write = await store.prepare(outgoing)
      },
      (tx) => write(tx),
    )
    return claimed !== null
  } catch (error) {
    const failed: string | null = claimed
    if (failed === null || abort.aborted) throw error
    logger.warn('a turn of a saga failed and is tried again', { saga: failed, error: errorName(error) })
    await store.unitOfWork.run((tx) => keepFailed(parts, tx, failed, () => true, error))
    return true
  }
}

/** The work may go on after its time: then its transaction's connection is not used again. */
async function inTime<Tx>({ clock, definitions }: SagaLoopParts<Tx>, stop: AbortController, turn: Promise<unknown>) {
  const longestMs = Math.max(...[...definitions.values()].map(({ turnTimeoutMs }) => turnTimeoutMs))
  const settled = new AbortController()
  const late = clock.sleep(longestMs, settled.signal).then(() => {
    if (settled.signal.aborted) return
    stop.abort()
    throw new EstafetError('TIMED_OUT', `A turn of a saga took longer than ${longestMs} ms.`)
  })
  try {
    await Promise.race([turn, late])
  } finally {
    settled.abort()
    late.catch(() => {})
    turn.catch(() => {})
  }
}

function versionOf(key: string): SagaVersion {
  const at = key.lastIndexOf(':')
  return { type: key.slice(0, at), version: Number(key.slice(at + 1)) }
}
