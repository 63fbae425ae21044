import type { SagaSearch } from '../ports/saga-search.ts'
import type { NewSaga, OpenSaga, SagaChange, Sagas, SagaVersion, StepChange } from '../ports/sagas.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'
import type { OpenTransaction } from './log.ts'

/** What a driver's test gives to the clauses of Sagas and SagaSearch: an empty database. */
export interface SagasDriver<Tx> {
  readonly sagas: Sagas<Tx>
  readonly search: SagaSearch
  readonly unitOfWork: UnitOfWork<Tx>
  begin(): Promise<OpenTransaction<Tx>>
  /** Time enough to see that somebody waits. */
  moment(): Promise<void>
  /** Lets so many ms pass, and a little more. */
  lapse(ms: number): Promise<void>
  /** What the time is in the database, in ms. */
  now(): Promise<number>
}

/** Longer than any clause takes. */
export const longMs = 600_000
export const booking: SagaVersion = { type: 'booking', version: 1 }

export function newSaga(id: string, more: Partial<NewSaga> = {}): NewSaga {
  return { ...booking, id, hash: 'h1', input: '{"n":1}', correlationId: `correlation of ${id}`, askedBy: null, ...more }
}

export function change(more: Partial<SagaChange> = {}): SagaChange {
  return {
    ...{ version: 1, hash: 'h1', status: 'running', result: null, failure: null, attention: null, tries: 0 },
    ...{ error: null, turnInMs: null, steps: [] },
    ...more,
  }
}

export function step(name: string, more: Partial<StepChange> = {}): StepChange {
  return {
    ...{
      name,
      kind: 'request',
      state: 'waiting',
      value: null,
      request: null,
      hasUndo: false,
      isPivot: false,
      rank: null,
    },
    ...{ tries: 0, note: null, due: null },
    ...more,
  }
}

/** A saga of one step, due at an instant or in so many ms. */
export function dueIn(due: StepChange['due']): SagaChange {
  return change({ steps: [step('s', { due })] })
}

/** So many ms from now, or ago. */
export async function at<Tx>({ now }: SagasDriver<Tx>, inMs: number): Promise<string> {
  return new Date((await now()) + inMs).toISOString()
}

export async function begun<Tx>(
  { sagas, unitOfWork }: SagasDriver<Tx>,
  saga: NewSaga,
  as: SagaChange | null = null,
): Promise<void> {
  await unitOfWork.run(async (tx) => {
    if (!(await sagas.begin(tx, saga))) throw new Error(`the saga ${saga.id} did not begin`)
    if (as !== null) await sagas.save(tx, saga.id, as)
  })
}

/** Saves a change in a transaction of its own. */
export async function saved<Tx>({ sagas, unitOfWork }: SagasDriver<Tx>, id: string, as: SagaChange): Promise<void> {
  await unitOfWork.run(async (tx) => {
    await sagas.open(tx, id)
    await sagas.save(tx, id, as)
  })
}

export async function opened<Tx>({ sagas, unitOfWork }: SagasDriver<Tx>, id: string): Promise<OpenSaga | null> {
  return unitOfWork.run((tx) => sagas.open(tx, id))
}

/** Claims in a transaction of its own, and changes nothing. */
export async function claimed<Tx>(
  { sagas, unitOfWork }: SagasDriver<Tx>,
  of: readonly SagaVersion[] = [booking],
): Promise<string | null> {
  return unitOfWork.run((tx) => sagas.claim(tx, of))
}

/** Claims until nothing is due, and puts each off; tells in which order. */
export async function drained<Tx>(driver: SagasDriver<Tx>, of?: readonly SagaVersion[]): Promise<readonly string[]> {
  const order: string[] = []
  for (let id = await claimed(driver, of); id !== null; id = await claimed(driver, of)) {
    order.push(id)
    if (order.length > 20) throw new Error('what was put off is claimed again')
    await saved(driver, id, change({ turnInMs: longMs }))
  }
  return order
}
