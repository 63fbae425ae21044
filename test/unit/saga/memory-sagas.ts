import { type MemoryTransaction, memoryDatabase } from '../../../src/drivers/memory/database.ts'
import { memorySagas } from '../../../src/drivers/memory/sagas.ts'
import { memorySession } from '../../../src/drivers/memory/session.ts'
import { memoryUnitOfWork } from '../../../src/drivers/memory/unit-of-work.ts'
import type { Answer } from '../../../src/message/command.ts'
import type { OutgoingMessage } from '../../../src/message/message.ts'
import type { OpenSaga } from '../../../src/ports/sagas.ts'
import { macrotask } from '../../../src/runtime/world.ts'
import { act, type SagaAction } from '../../../src/saga/act.ts'
import { advance, begin, type SagaParts } from '../../../src/saga/advance.ts'
import { takeAnswer } from '../../../src/saga/came.ts'
import { definitionsOf } from '../../../src/saga/definitions.ts'
import type { Saga, SagaDefinition } from '../../../src/saga/saga.ts'

/** A program that runs sagas: which ones, and what it is called. */
export interface Program {
  readonly service: string
  readonly of: readonly SagaDefinition<MemoryTransaction>[]
}

/** Sagas in memory, taken step by step by whichever program. */
export function memoryDesk() {
  const clock = { now: () => 1_000_000, sleep: () => new Promise<void>(() => {}) }
  const session = memorySession(memoryDatabase(clock))
  const unitOfWork = memoryUnitOfWork(session)
  const sagas = memorySagas(session)
  const sent: OutgoingMessage[] = []
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const context = (tx: MemoryTransaction) => ({
    ...{ tx, log: silent, signal: new AbortController().signal },
    publish: (...messages: readonly OutgoingMessage[]) => void sent.push(...messages),
  })
  const partsOf = ({ service, of }: Program): SagaParts<MemoryTransaction> => ({
    ...{ sagas, service, definitions: definitionsOf(of), answered: new Map(), settle: macrotask },
  })
  const open = async (id: string): Promise<OpenSaga> => {
    const saga = await unitOfWork.run((tx) => sagas.open(tx, id))
    if (saga === null) throw new Error(`There is no saga ${id}.`)
    return saga
  }
  return {
    sent,
    open,
    begin: <Input, Result>(program: Program, saga: Saga<MemoryTransaction, Input, Result>, id: string, input: Input) =>
      unitOfWork.run((tx) => begin(partsOf(program), context(tx), saga, id, input)),
    /** A turn because of an answer that came. */
    answered: (
      program: Program,
      id: string,
      asked: { readonly name: string; readonly service: string },
      command: string,
      answers: 'request' | 'cancel',
      answer: Answer<unknown, string>,
    ) =>
      unitOfWork.run((tx) =>
        advance(partsOf(program), context(tx), id, (own) => takeAnswer(own, asked, command, { answers, answer })),
      ),
    turn: (program: Program, id: string) =>
      unitOfWork.run((tx) => advance(partsOf(program), context(tx), id, () => true)),
    person: (id: string, action: SagaAction) =>
      unitOfWork.run(async (tx) => {
        const saga = await sagas.open(tx, id)
        const change = saga === null ? 'gone' : act(saga, action, 'by hand')
        if (typeof change === 'string') throw new Error(change)
        await sagas.save(tx, id, change)
      }),
    /** How a saga stands, with its steps. */
    async stands(id: string) {
      const { status, failure, steps } = await open(id)
      return [status, failure, Object.fromEntries(steps.map(({ name, state }) => [name, state]))] as const
    },
  }
}
