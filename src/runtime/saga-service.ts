import type { Handler } from '../delivery/handler.ts'
import type { Answer, AnyCommand, AskedCommand } from '../message/command.ts'
import { EstafetError } from '../message/errors.ts'
import type { OutgoingMessage } from '../message/message.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { SagaSearch, ShownSaga } from '../ports/saga-search.ts'
import type { Sagas } from '../ports/sagas.ts'
import type { StepFence } from '../ports/step-fence.ts'
import { type BeginOptions, begin, type SagaParts } from '../saga/advance.ts'
import { askOnce, isSameQuestion } from '../saga/ask-once.ts'
import { definitionsOf, refuseChanged } from '../saga/definitions.ts'
import { isEnd } from '../saga/journal.ts'
import type { Saga, SagaDefinition } from '../saga/saga.ts'
import { sagaHandlers } from '../saga/saga-handlers.ts'
import type { StepContext } from '../saga/steps.ts'
import type { SagaAnswer } from '../saga/sub-saga.ts'
import { logger as makeLogger } from './logger.ts'
import { type Health, type ReadingOptions, worldOf } from './running.ts'
import { sagaLoop } from './saga-loop.ts'
import type { Store } from './store.ts'
import { macrotask } from './world.ts'

export interface SagaServiceOptions<Tx> {
  /** The service that runs them: answers come back to its topic of replies. */
  readonly service: string
  readonly of: readonly SagaDefinition<Tx>[]
  /** Which sagas answer commands of others; see answerWith. */
  readonly answers?: readonly SagaAnswer<Tx>[]
  /** Commands that plain code asks for; see `ask`. */
  readonly asks?: readonly AnyCommand[]
  readonly logger?: Logger
}

export interface SagaLoopOptions extends Pick<ReadingOptions, 'backOff' | 'clock' | 'random'> {
  /** How often it looks for times that have come. (Default: 200.) */
  readonly lookMs?: number
  /** How many turns may be under way at once; one that takes long holds up the others only when all do. (Default: 4.) */
  readonly turnsAtOnce?: number
}

export interface RunningSagas {
  health(): Health
  /** Finishes the turns under way within `drainMs` (default: 10 s). May be repeated. */
  stop(drainMs?: number): Promise<void>
}

/** How a saga ended. */
export type SagaEnd<Result> =
  | { readonly status: 'completed'; readonly result: Result }
  | { readonly status: 'compensated'; readonly failure: string }

export interface AskOptions {
  /** Names what is asked: asked again, also with another time, it is answered the same and done once. */
  readonly id: string
  /** How long the service that is asked has; then it is taken back. Asked again, only how long is waited. (Default: 10 s.) */
  readonly timeoutMs?: number
}

/** The sagas of a service. */
export interface SagaService<Tx> {
  /** For the service's handlers: what comes back to its sagas, and what they wait for. */
  readonly handlers: readonly Handler<Tx>[]
  readonly search: SagaSearch
  /**
   * Begins a saga with its first turn, in the caller's transaction: what it asks for is published with it. False when there is one of
   * this id: then nothing is done. Throws INVALID_MESSAGE for a bad input or id, and what local work throws: then roll back.
   */
  begin<Input, Result>(
    within: Pick<StepContext<Tx>, 'tx' | 'publish'>,
    saga: Saga<Tx, Input, Result>,
    id: string,
    input: Input,
    options?: Pick<BeginOptions, 'correlationId'>,
  ): Promise<boolean>
  /** Resolves once a saga is at its end. Throws TIMED_OUT when that takes longer than `timeoutMs` (default: 30 s); it goes on. */
  ended<Input, Result>(
    saga: Saga<Tx, Input, Result>,
    id: string,
    options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<SagaEnd<Result>>
  /**
   * Asks a service from plain code, and waits: done, refused, or cancelled, when it was not answered in time and has no effect. Throws
   * TIMED_OUT when it could not be taken back for so long again: ask with the same id to hear what came of it. Throws INVALID_MESSAGE
   * for an id under which something else was asked.
   */
  ask<Input, Result, Refusal extends string>(
    command: AskedCommand<Input, Result, Refusal>,
    data: Input,
    options: AskOptions,
  ): Promise<Answer<Result, Refusal>>
  /**
   * Takes the turns whose time has come, until `stop`; in as many processes as you like. Throws MISCONFIGURED when the text of a saga
   * changed under its version while sagas of it run.
   */
  start(options?: SagaLoopOptions): Promise<RunningSagas>
}

export interface SagaServiceParts<Tx> {
  readonly store: Pick<Store<Tx>, 'unitOfWork' | 'prepare'>
  readonly sagas: Sagas<Tx>
  readonly search: SagaSearch
  readonly fence: StepFence<Tx>
  readonly clock: Clock
}

/** What a driver's door makes of its ports. Throws MISCONFIGURED when two definitions have one version. */
export function sagaService<Tx>(ports: SagaServiceParts<Tx>, options: SagaServiceOptions<Tx>): SagaService<Tx> {
  const { service, of, answers = [], asks = [] } = options
  const { sagas, search, store, clock } = ports
  const logger = options.logger ?? makeLogger({ service })
  const asking = askOnce<Tx>(asks)
  const all = [...of, asking]
  const answered = new Map(answers.map(({ command }) => [command.type, command]))
  const parts: SagaParts<Tx> = { sagas, service, definitions: definitionsOf(all), answered, settle: macrotask }
  const beginWithin: SagaService<Tx>['begin'] = (within, saga, id, input, given) =>
    begin(parts, { ...within, log: logger, signal: new AbortController().signal }, saga, id, input, given)
  const ended: SagaService<Tx>['ended'] = async (saga, id, { timeoutMs = 30_000, signal } = {}) => {
    const shown = await endOf(search, clock, { id, type: saga.type }, timeoutMs, signal ?? new AbortController().signal)
    return shown.status === 'completed'
      ? { status: 'completed', result: saga.resultOf(shown.result ?? 'null') }
      : { status: 'compensated', failure: shown.failure ?? '' }
  }
  return {
    handlers: [...sagaHandlers(parts, all), ...answers.flatMap((each) => each.handlers(parts, ports.fence))],
    search,
    begin: beginWithin,
    ended,
    async ask<Input, Result, Refusal extends string>(
      command: AskedCommand<Input, Result, Refusal>,
      data: Input,
      { id, timeoutMs = 10_000 }: AskOptions,
    ): Promise<Answer<Result, Refusal>> {
      const outgoing: OutgoingMessage[] = []
      const publish = (...messages: readonly OutgoingMessage[]): void => void outgoing.push(...messages)
      let write: (tx: Tx) => Promise<unknown> = () => Promise.resolve()
      let isNew = false
      const question = { type: command.type, data, timeoutMs }
      await store.unitOfWork.run(
        async (tx) => {
          isNew = await beginWithin({ tx, publish }, asking, id, question)
          write = await store.prepare(outgoing)
        },
        (tx) => write(tx),
      )
      if (!isNew) refuseOther(await search.show(id), asking.type, asking.encode(question))
      const end = await ended(asking, id, { timeoutMs: timeoutMs * 2 })
      if (end.status === 'compensated') return { outcome: 'cancelled' }
      return end.result as Answer<Result, Refusal>
    },
    async start(loop = {}) {
      const waiting = refuseChanged(parts.definitions, await search.summary())
      for (const { type, version, sagas: count } of waiting) {
        logger.warn('sagas wait for a program that has their version', { type, version, sagas: count })
      }
      return running({ ...ports, ...parts, logger }, loop)
    },
  }
}

/** Throws INVALID_MESSAGE when the id names something else: to answer it would be to answer another question. */
function refuseOther(shown: ShownSaga | null, type: string, input: string): void {
  if (shown?.type === type && isSameQuestion(shown.input, input)) return
  throw new EstafetError(
    'INVALID_MESSAGE',
    'The id of this question is that of another one: ask under an id of its own.',
  )
}

const stalledAfterMs = 30_000

function running<Tx>(
  parts: SagaParts<Tx> & Pick<SagaServiceParts<Tx>, 'store' | 'search'> & { readonly logger: Logger },
  options: SagaLoopOptions,
): RunningSagas {
  const { lookMs = 200, turnsAtOnce = 4, backOff = { firstMs: 50, maxMs: 30_000 } } = options
  const world = worldOf(options)
  const stopping = new AbortController()
  const abort = new AbortController()
  const alarm = async (): Promise<void> => {
    for (const { type, version, stuck, stuckSeconds } of await parts.search.summary()) {
      if (stuck > 0) parts.logger.error('sagas are stuck', { type, version, sagas: stuck, seconds: stuckSeconds })
    }
  }
  const loop = sagaLoop({ ...parts, ...world, alarm, lookMs, turnsAtOnce, backOff }, stopping.signal, abort.signal)
  let stopped: Promise<void> | null = null
  return {
    health() {
      const report = loop.agent.report()
      const isWell = report.state === 'running' || report.state === 'working'
      const hangs = report.state === 'working' && report.silentMs > stalledAfterMs
      return { live: report.state !== 'stopped', ready: isWell, stalled: isWell && !hangs ? [] : [report], paused: [] }
    },
    stop(drainMs = 10_000) {
      stopping.abort()
      stopped ??= drained(loop.ended, drainMs, abort, world.clock)
      return stopped
    },
  }
}

async function drained(ended: Promise<void>, drainMs: number, abort: AbortController, clock: Clock): Promise<void> {
  const done = new AbortController()
  void clock.sleep(drainMs, done.signal).then(() => abort.abort())
  await ended
  done.abort()
}

/** Between two looks at whether a saga has ended. */
const [firstMs, longestMs] = [5, 100]

async function endOf(
  search: SagaSearch,
  clock: Clock,
  { id, type }: Pick<ShownSaga, 'id' | 'type'>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ShownSaga> {
  const until = clock.now() + timeoutMs
  for (let waitMs = firstMs; ; waitMs = Math.min(waitMs * 2, longestMs)) {
    signal.throwIfAborted()
    const shown = await search.show(id)
    if (shown !== null && shown.type !== type) {
      throw new EstafetError('MISCONFIGURED', `The saga ${id} is no ${type}: it is a ${shown.type}.`)
    }
    if (shown !== null && isEnd(shown.status)) return shown
    const leftMs = until - clock.now()
    if (leftMs <= 0) {
      throw new EstafetError('TIMED_OUT', `The saga ${id} was not at its end within ${timeoutMs} ms; it goes on.`, {
        details: { saga: id, timeoutMs },
      })
    }
    await clock.sleep(Math.min(waitMs, leftMs), signal)
  }
}
