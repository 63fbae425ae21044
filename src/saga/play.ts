import type { EventType } from '../message/event.ts'
import type { OpenSaga, StepKind } from '../ports/sagas.ts'
import { answerOf, refuseUnused } from './ask.ts'
import { happened, refuseUnawaited, takeEvent } from './happened.ts'
import { type Journal, type JournalStep, type KeptRequest, refuseName } from './journal.ts'
import { Compensate, encoded, type SagaDefinition } from './saga.ts'
import { StepFailed } from './step-failed.ts'
import { refuseInstant, refuseTimeout } from './step-times.ts'
import type { StepContext, Steps, WaitForOptions } from './steps.ts'

/** How a play of a saga's function ended. */
export type Ending =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'compensate'; readonly reason: string }
  /** It waits for steps. */
  | { readonly kind: 'blocked' }
  /** A fault of the program, or of its own work; the turn is to be thrown away. */
  | { readonly kind: 'threw'; readonly error: unknown }

export interface PlayParts<Tx> {
  readonly definition: SagaDefinition<Tx>
  readonly saga: OpenSaga
  readonly journal: Journal
  readonly context: StepContext<Tx>
  /** The service that asks. */
  readonly service: string
  /** Sends a command of a step: to do it, or to take it back. Throws when there is no such command, or it is not valid. */
  readonly send: (step: JournalStep, kind: 'request' | 'cancel') => void
  /** Resolves after all that can go on at once has gone on. */
  readonly settle: () => Promise<void>
}

/** How local work that was done is taken back. */
export type Undo = () => Promise<void>

export interface Play {
  readonly ending: Ending
  /** By name of step, for those that the function came by. */
  readonly undos: ReadonlyMap<string, Undo>
}

/** A step that has its value and waits until the function may hear of it. */
interface Known {
  readonly rank: number
  readonly hear: () => void
}

/**
 * Runs the function of a saga as far as it goes: what its journal knows is what it was, what it does not know is begun, and the rest
 * waits. Of one that is being taken back nothing is begun: it is played for its undos.
 *
 * The function hears of values one after the other, in the order in which they came when they were new: so also one whose branches
 * race comes by the same steps each time. Once it has returned, its other branches begin nothing more.
 */
export async function play<Tx>(parts: PlayParts<Tx>): Promise<Play> {
  const { definition, saga, settle } = parts
  const working = new Set<Promise<void>>()
  const known: Known[] = []
  const undos = new Map<string, Undo>()
  const failed: { readonly error: unknown }[] = []
  let isOver = false
  let ended: { readonly value: unknown } | { readonly error: unknown } | null = null
  const work = (doing: () => Promise<void>): void => {
    // The turn is lost: what more is done in it is rolled back.
    if (failed.length > 0) return
    const running: Promise<void> = doing()
      .catch((error: unknown) => void failed.push({ error }))
      .finally(() => working.delete(running))
    working.add(running)
  }
  const steps = stepsOf({
    ...{ ...parts, work, undos, known, isOver: () => isOver },
    // What becomes of a branch that nobody waits for is nobody's fault.
    fail: (error) => void (isOver || failed.push({ error })),
  })
  definition.run(steps, saga.input, saga.status !== 'running').then(
    (value) => {
      ended = { value }
    },
    (error: unknown) => {
      ended = { error }
    },
  )
  for (;;) {
    await settle()
    if (ended !== null) isOver = true
    // Of one that is taken back all undos are wanted, whatever is wrong with a step beside them.
    if (known.length > 0 && (failed.length === 0 || saga.status !== 'running')) {
      known.sort((a, b) => b.rank - a.rank)
      known.pop()?.hear()
    } else if (working.size > 0) await Promise.race(working)
    else break
  }
  isOver = true
  return { ending: endingOf(), undos }

  function endingOf(): Ending {
    const [first] = failed
    if (first !== undefined) return { kind: 'threw', error: first.error }
    if (ended === null) return { kind: 'blocked' }
    if ('error' in ended) return { kind: 'threw', error: ended.error }
    if (ended.value instanceof Compensate) return { kind: 'compensate', reason: ended.value.reason }
    return { kind: 'returned', value: ended.value }
  }
}

interface StepParts<Tx> extends PlayParts<Tx> {
  readonly work: (doing: () => Promise<void>) => void
  readonly known: Known[]
  readonly undos: Map<string, Undo>
  readonly isOver: () => boolean
  /** Throws the turn away: no function can catch it. */
  readonly fail: (error: unknown) => void
}

function stepsOf<Tx>(parts: StepParts<Tx>): Steps<Tx> {
  const { saga, journal, context, definition, undos } = parts
  const used = new Set<string>()

  function come(name: string, kind: StepKind): { readonly step: JournalStep | undefined; readonly mayBegin: boolean } {
    const step = journal.get(name)
    refuseName(name, kind, step, used.has(name))
    used.add(name)
    return { step, mayBegin: step === undefined && saga.status === 'running' && !parts.isOver() }
  }

  /**
   * What a step comes to, in its turn among the others; never, when it has no value yet: the function is thrown away with it at the end
   * of its turn. Whatever is wrong with a step throws the turn away.
   */
  function heard<Value>(name: string, step: () => boolean, read: (value: string) => Value): Promise<Value> {
    const hear = (resolve: (value: Value) => void): void => {
      const { value, rank } = journal.get(name) ?? {}
      if (value == null) return
      parts.known.push({ rank: rank ?? 0, hear: () => guarded(() => resolve(read(value))) })
    }
    let isKnown = false
    guarded(() => {
      isKnown = step()
    })
    return new Promise((resolve) => {
      if (isKnown) hear(resolve)
    })
  }

  function guarded(doing: () => void): void {
    try {
      doing()
    } catch (error) {
      parts.fail(error)
    }
  }

  /** One that is taken back must come by its undos, also with what was kept in a form that is none any more. */
  function tolerant<Value>(value: string, read: () => Value): Value {
    try {
      return read()
    } catch (error) {
      if (saga.status === 'running') throw error
      return JSON.parse(value)
    }
  }

  return {
    id: saga.id,
    correlationId: saga.correlationId,

    run<Result>(
      name: string,
      work: (context: StepContext<Tx>) => Promise<Result>,
      {
        undo,
        isPivot = false,
      }: {
        readonly undo?: (result: Result, context: StepContext<Tx>) => Promise<void>
        readonly isPivot?: boolean
      } = {},
    ): Promise<Result> {
      const read = (value: string): Result => {
        if (undo !== undefined) undos.set(name, () => undo(JSON.parse(value), context))
        return JSON.parse(value)
      }
      return new Promise((resolve) => {
        const before = heard(
          name,
          () => {
            const { step, mayBegin } = come(name, 'run')
            if (step?.value != null) return true
            if (!mayBegin && (step === undefined || saga.status !== 'running' || parts.isOver())) return false
            // In its place before the work ends: works begin in this order, and are taken back the other way round.
            if (step === undefined) journal.begin({ name, kind: 'run', hasUndo: undo !== undefined, isPivot }, null)
            parts.work(async () => {
              try {
                const value = encoded(await work(context))
                const done = journal.change(name, { state: 'done', value, tries: 0 }, null)
                parts.known.push({ rank: done.rank ?? 0, hear: () => guarded(() => resolve(read(value))) })
              } catch (error) {
                throw new StepFailed(name, undo !== undefined, isPivot, error)
              }
            })
            return false
          },
          read,
        )
        void before.then(resolve)
      })
    },

    request(name, command, data, { timeoutMs = 60_000, hasUndo = true, isPivot = false } = {}) {
      const begin = (): boolean => {
        refuseUnused(definition, command)
        refuseTimeout(name, timeoutMs)
        const { step, mayBegin } = come(name, 'request')
        if (step !== undefined) return true
        if (!mayBegin) return false
        const request: KeptRequest = { type: command.type, data, timeoutMs, service: parts.service }
        const begun = { name, kind: 'request', request: encoded(request), hasUndo, isPivot } as const
        parts.send(journal.begin(begun, timeoutMs), 'request')
        return false
      }
      return heard(name, begin, (value) => tolerant(value, () => answerOf(command, value)))
    },

    async sleep(name, until) {
      const begin = (): boolean => {
        refuseInstant(name, until)
        const { step, mayBegin } = come(name, 'sleep')
        if (mayBegin) journal.begin({ name, kind: 'sleep' }, until)
        return step !== undefined
      }
      await heard(name, begin, () => null)
    },

    waitFor<Data>(name: string, event: EventType<never, Data>, options: WaitForOptions<Data>) {
      const begin = (): boolean => {
        const { timeoutMs, where = () => true } = options
        refuseUnawaited(definition, event)
        refuseTimeout(name, timeoutMs)
        const { step, mayBegin } = come(name, 'wait')
        if (step?.value != null) return true
        if (saga.status !== 'running' || parts.isOver()) return false
        if (mayBegin) journal.begin({ name, kind: 'wait', request: encoded({ type: event.type }) }, timeoutMs)
        const value = takeEvent(journal, event, where)
        if (value !== null) journal.change(name, { state: 'done', value }, null)
        return value !== null
      }
      return heard(name, begin, (value) => tolerant(value, () => happened(event, value)))
    },
  }
}
