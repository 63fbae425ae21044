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
/** Beyond its own time: then what a turn waits for is nothing that can be ended. */
const hangsAfterMs = 30_000

/**
 * Takes the turns of sagas that are due, until `stopping` aborts: times that have come, and turns that failed before. One that takes
 * long holds up no other, as long as there are fewer than `turnsAtOnce`.
 */
export function sagaLoop<Tx>(parts: SagaLoopParts<Tx>, stopping: AbortSignal, abort: AbortSignal): SagaLoop {
  const { clock, random, logger, lookMs, turnsAtOnce } = parts
  const own = agent('sagas', clock)
  const versions = [...parts.definitions.keys()].map(versionOf)
  const hangsMs = hangsAfterMs + longestMs(parts)
  /** Those that take turns now, each with when its turn began. */
  const underWay = new Map<{ since: number }, Promise<void>>()
  let trouble: { readonly error: unknown } | null = null

  /** Takes turns, one after the other, until none is due. Resolves as soon as it is known whether one is. */
  function drain(): Promise<boolean> {
    const isDue = Promise.withResolvers<boolean>()
    const turn = { since: clock.now() }
    const take = async (): Promise<void> => {
      try {
        while ((await turnDue(parts, versions, abort, isDue.resolve)) && !stopping.aborted) turn.since = clock.now()
      } catch (error) {
        trouble ??= { error }
      }
      underWay.delete(turn)
      isDue.resolve(false)
    }
    underWay.set(turn, take())
    return isDue.promise
  }

  async function look(): Promise<void> {
    // Where one is due there may be more: as many at once as may be.
    for (let free = turnsAtOnce - underWay.size; free > 0; free--) {
      if (!(await drain()) || trouble !== null || stopping.aborted) break
    }
    const failed = trouble
    trouble = null
    if (failed !== null) throw failed.error
  }

  function hanging(): boolean {
    return [...underWay.keys()].some(({ since }) => clock.now() - since > hangsMs)
  }

  async function run(): Promise<void> {
    let attempt = 0
    let alarmedAt = clock.now() - alarmEveryMs
    while (!stopping.aborted) {
      let waitMs = lookMs
      try {
        own.working()
        await look()
        if (clock.now() - alarmedAt >= alarmEveryMs) {
          alarmedAt = clock.now()
          await parts.alarm?.()
        }
        attempt = 0
        if (hanging()) own.retry(new EstafetError('TIMED_OUT', 'A turn of a saga does not end.'))
        else own.beat()
      } catch (error) {
        attempt += 1
        own.retry(error)
        waitMs = backOffMs(parts.backOff, attempt, random.fraction())
        logger.warn('sagas cannot be looked at and are tried again', { attempt, error: errorName(error) })
      }
      await clock.sleep(waitMs, stopping)
    }
    await Promise.all(underWay.values())
    own.stopped()
  }

  return { agent: own, ended: run() }
}

/**
 * Takes one turn of the saga that is overdue for longest; false when none is due. A turn that throws is thrown away, and written down
 * as failed: if the process ends in between, it is due as it was. `known` is told whether one is due before its turn is taken.
 */
export async function turnDue<Tx>(
  parts: SagaLoopParts<Tx>,
  versions: readonly SagaVersion[],
  abort: AbortSignal,
  known: (isDue: boolean) => void = () => {},
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
        known(claimed !== null)
        if (claimed === null) return
        const outgoing: OutgoingMessage[] = []
        const log = withFields(logger, { saga: claimed })
        const publish = (...messages: readonly OutgoingMessage[]): void => void outgoing.push(...messages)
        const id = claimed
        await inTime(parts, stop, (begun) =>
          advance(parts, { tx, publish, log, signal }, id, (_, saga) => {
            begun(saga)
            return true
          }),
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

/**
 * Each turn has the time of its own saga; until that is open, the longest of all. The work may go on after its time: then its
 * transaction's connection is not used again.
 */
async function inTime<Tx>(
  parts: SagaLoopParts<Tx>,
  stop: AbortController,
  turn: (begun: (saga: SagaVersion) => void) => Promise<unknown>,
): Promise<void> {
  const { clock, definitions } = parts
  const settled = new AbortController()
  const late = Promise.withResolvers<never>()
  const limit = (ms: number): void => {
    void clock.sleep(ms, settled.signal).then(() => {
      if (settled.signal.aborted) return
      stop.abort()
      late.reject(new EstafetError('TIMED_OUT', `A turn of a saga took longer than ${ms} ms.`))
    })
  }
  limit(longestMs(parts))
  const taken = turn(({ type, version }) => {
    const ms = definitions.get(`${type}:${version}`)?.turnTimeoutMs
    if (ms !== undefined) limit(ms)
  })
  try {
    await Promise.race([taken, late.promise])
  } finally {
    settled.abort()
    taken.catch(() => {})
  }
}

function longestMs<Tx>({ definitions }: Pick<SagaLoopParts<Tx>, 'definitions'>): number {
  return Math.max(...[...definitions.values()].map(({ turnTimeoutMs }) => turnTimeoutMs))
}

function versionOf(key: string): SagaVersion {
  const at = key.lastIndexOf(':')
  return { type: key.slice(0, at), version: Number(key.slice(at + 1)) }
}
