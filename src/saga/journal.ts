import { EstafetError } from '../message/errors.ts'
import type { OpenSaga, SagaStatus, SagaStep, StepChange, StepKind } from '../ports/sagas.ts'

/** A step as a turn sees and changes it. */
export type JournalStep = Omit<StepChange, 'due'> & Pick<SagaStep, 'isDue'>

/** What became of the steps of a saga, and what a turn changes in that. */
export interface Journal {
  /** In the order in which they began. */
  all(): readonly JournalStep[]
  get(name: string): JournalStep | undefined
  /** Begins a step. `due`: see StepChange. */
  begin(step: Pick<JournalStep, 'name' | 'kind'> & Partial<JournalStep>, due: StepChange['due']): JournalStep
  /** Changes a step; what it was due at is forgotten. */
  change(name: string, to: Partial<JournalStep>, due: StepChange['due']): JournalStep
  changes(): readonly StepChange[]
}

export function journal(saga: Pick<OpenSaga, 'steps'>): Journal {
  const steps = new Map<string, JournalStep>(saga.steps.map((step) => [step.name, step]))
  const dues = new Map<string, StepChange['due']>()
  let highest = Math.max(0, ...saga.steps.map(({ rank }) => rank ?? 0))
  const set = (given: JournalStep, due: StepChange['due']): JournalStep => {
    if (given.value !== null && given.rank === null) highest += 1
    const step = given.value !== null && given.rank === null ? { ...given, rank: highest } : given
    steps.set(step.name, step)
    dues.set(step.name, due)
    return step
  }
  return {
    all: () => [...steps.values()],
    get: (name) => steps.get(name),
    begin: ({ name, kind, ...more }, due) => set({ ...fresh, name, kind, ...more }, due),
    change(name, to, due) {
      const before = steps.get(name)
      if (before === undefined) throw new EstafetError('MISCONFIGURED', `The saga has no step ${JSON.stringify(name)}.`)
      return set({ ...before, ...to, isDue: false }, due)
    },
    changes: () =>
      [...steps.values()].flatMap(({ isDue: _, ...step }) => {
        const due = dues.get(step.name)
        return due === undefined ? [] : [{ ...step, due }]
      }),
  }
}

const fresh = {
  state: 'waiting',
  value: null,
  request: null,
  hasUndo: false,
  isPivot: false,
  tries: 0,
  note: null,
  rank: null,
  isDue: false,
} as const satisfies Partial<JournalStep>

/** Tells whether a step is not at its end. */
export function isOpen({ state }: Pick<JournalStep, 'state'>): boolean {
  return state === 'asking' || state === 'waiting' || state === 'cancelling' || state === 'undoing'
}

/** Tells whether a saga is at its end. */
export function isEnd(status: SagaStatus): boolean {
  return status === 'completed' || status === 'compensated'
}

/** What a request asks for, as its step keeps it. */
export interface KeptRequest {
  readonly type: string
  readonly data: unknown
  readonly timeoutMs: number
  /** The service that asked, as it was called then: the step is known by it to the one that was asked. */
  readonly service: string
}

export function keptRequest({ name, request }: Pick<JournalStep, 'name' | 'request'>): KeptRequest {
  if (request === null) throw new EstafetError('UNDECODABLE', `The step ${JSON.stringify(name)} has lost its request.`)
  const kept: KeptRequest = JSON.parse(request)
  return kept
}

/** Names of events that came: no name of a step begins like that. */
export const eventPrefix = '~'

const longestName = 100

/** Throws MISCONFIGURED when a step cannot have this name, or another kind of step has it. */
export function refuseName(name: string, kind: StepKind, known: JournalStep | undefined, isUsed: boolean): void {
  const fault =
    name.length === 0 ||
    name.length > longestName ||
    name.startsWith(eventPrefix) ||
    /[\p{Cc}:]/u.test(name) ||
    !name.isWellFormed()
      ? `must be 1 to ${longestName} characters without colons and control characters, and not begin with ${eventPrefix}`
      : isUsed
        ? 'is used twice: each step needs a name of its own'
        : known !== undefined && known.kind !== kind
          ? `was a step of the kind ${known.kind} when the saga came by, and is now ${kind}: raise the version`
          : null
  if (fault !== null) throw new EstafetError('MISCONFIGURED', `The step ${JSON.stringify(name)} ${fault}.`)
}
