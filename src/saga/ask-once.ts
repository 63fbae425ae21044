import type { Answer, AnyCommand } from '../message/command.ts'
import { EstafetError } from '../message/errors.ts'
import type { StandardSchema } from '../message/standard-schema.ts'
import { encoded, type Saga, saga } from './saga.ts'

/** What plain code asks, as a saga keeps it. */
export interface AskOnce {
  readonly type: string
  readonly data: unknown
  readonly timeoutMs: number
}

const anything: StandardSchema<AskOnce> = {
  '~standard': { version: 1, vendor: 'estafet', validate: (value) => ({ value: value as AskOnce }) },
}

/** The saga of one step that plain code asks by: so a question outlives its process, and is answered the same when it is asked again. */
export function askOnce<Tx>(uses: readonly AnyCommand[]): Saga<Tx, AskOnce, Answer<unknown, string>> {
  const commands = new Map(uses.map((command) => [command.type, command]))
  return saga('estafet-ask', {
    ...{ version: 1, input: anything, uses, revision: 'ask' },
    run: async (steps, { type, data, timeoutMs }) => {
      const command = commands.get(type)
      if (command === undefined)
        throw new EstafetError('MISCONFIGURED', `The service does not ask for ${type} any more.`)
      return steps.request('answer', command, data as never, { timeoutMs })
    },
  })
}

/** Tells whether two inputs ask for the same. How long is waited for the answer is none of that. */
export function isSameQuestion(kept: string, asked: string): boolean {
  return questionOf(kept) === questionOf(asked)
}

function questionOf(input: string): string {
  const { type, data }: AskOnce = JSON.parse(input)
  return encoded({ type, data })
}
