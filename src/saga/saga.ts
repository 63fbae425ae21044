import type { BackOff } from '../delivery/back-off.ts'
import { longestWaitMs } from '../delivery/retry-policy.ts'
import type { AnyCommand } from '../message/command.ts'
import { validate } from '../message/definition.ts'
import { EstafetError } from '../message/errors.ts'
import type { EventType } from '../message/event.ts'
import { fingerprint } from '../message/fingerprint.ts'
import { decodeJson, encodeJson } from '../message/json.ts'
import type { ReceivedMessage, StoredMessage } from '../message/message.ts'
import type { SchemaInput, SchemaOutput, StandardSchema } from '../message/standard-schema.ts'
import type { SagaVersion } from '../ports/sagas.ts'
import type { Steps } from './steps.ts'

/** What a saga returns to be taken back. */
export class Compensate<Reason extends string = string> {
  readonly reason: Reason
  constructor(reason: Reason) {
    this.reason = reason
  }
}

/** `return compensate('no-room')`: everything that was done is taken back, the last first. */
export function compensate<Reason extends string>(reason: Reason): Compensate<Reason> {
  return new Compensate(reason)
}

/** An event that sagas wait for, and which of them it is for. */
export interface AwaitedEvent {
  readonly event: EventType<never, unknown>
  /** The id of the saga; null: it is for none. */
  readonly sagaOf: (stored: StoredMessage) => string | null
}

/**
 * `awaits(InvoicePaid, ({ data }) => data.trip)`: says which saga an event is for. One that is not there is for none. Throws
 * MISCONFIGURED for an event with personal fields: a journal keeps it in clear, where erasing does not find it.
 */
export function awaits<Data>(
  event: EventType<never, Data>,
  sagaOf: (received: ReceivedMessage<Data>) => string | null,
): AwaitedEvent {
  if (event.personalFields.length > 0) {
    throw new EstafetError(
      'MISCONFIGURED',
      `A saga cannot wait for ${event.type}, which has personal fields: its journal would keep them in clear.`,
    )
  }
  return { event, sagaOf: (stored) => sagaOf(event.receive(stored)) }
}

export interface SagaOptions<Tx, Schema extends StandardSchema, Result> {
  /** Raised when `run` changes: sagas that have begun go on with the version that they began with. From 1. */
  readonly version: number
  readonly input: Schema
  /**
   * What happens. It is called anew for each turn, with what its steps came to: it must do nothing but steps and what follows from
   * them and the input, the same each time. Clocks, chance and other services belong into steps.
   */
  readonly run: (steps: Steps<Tx>, input: SchemaOutput<Schema>) => Promise<Result>
  /** The commands that its steps ask for. */
  readonly uses?: readonly AnyCommand[]
  /** The events that its steps wait for. */
  readonly awaits?: readonly AwaitedEvent[]
  /** Older versions whose sagas go on with this one: it comes by the steps that they have done, under the same names. (Default: none.) */
  readonly continues?: readonly number[]
  /**
   * What tells this text of `run` from another under the same version. (Default: the text itself without spaces and comments. Give
   * it when a build changes the text from time to time.)
   */
  readonly revision?: string
  /** Waits between turns that failed, and between askings to take back what was not answered. (Default: 1 s to 5 min.) */
  readonly backOff?: BackOff
  /** After how many tries a person should look. (Default: 8, with the standard back-off after two minutes.) */
  readonly attentionAfter?: number
  /** How long one turn may take; one that a message causes has the longest of all sagas of the service. (Default: 10 s.) */
  readonly turnTimeoutMs?: number
}

/** A saga as the turns run it, with its types erased. */
export interface SagaDefinition<Tx> extends SagaVersion {
  readonly hash: string
  readonly continues: readonly number[]
  readonly uses: ReadonlyMap<string, AnyCommand>
  readonly awaits: readonly AwaitedEvent[]
  readonly backOff: BackOff
  readonly attentionAfter: number
  readonly turnTimeoutMs: number
  /**
   * Decodes the input as stored, and runs. Throws INVALID_MESSAGE for one that its schema does not take any more, unless the saga is
   * taken back: then its undos are wanted, whatever it began with.
   */
  readonly run: (steps: Steps<Tx>, input: string, isTakenBack: boolean) => Promise<unknown>
}

/** A kind of saga; see `saga`. */
export interface Saga<Tx, Input, Result> extends SagaDefinition<Tx> {
  /** As it is stored. Throws INVALID_MESSAGE. A method, so that a saga of some input is a definition like any other. */
  encode(input: Input): string
  /** What a completed one returned. */
  resultOf(text: string): Result
}

/**
 * Defines a saga: several steps in several services that all take effect, or none does.
 *
 * `saga('trip', { version: 1, input, uses: [ReserveRoom], run: async (steps, trip) => ... })`. Throws MISCONFIGURED with all faults.
 */
export function saga<Tx, Schema extends StandardSchema, Result>(
  type: string,
  options: SagaOptions<Tx, Schema, Result>,
): Saga<Tx, SchemaInput<Schema>, Exclude<Result, Compensate>> {
  const { version, input: schema, run, uses = [], awaits: awaited = [], continues = [] } = options
  const { backOff = { firstMs: 1_000, maxMs: 300_000 }, attentionAfter = 8, turnTimeoutMs = 10_000 } = options
  refuseFaults(type, options)
  const encode = (input: SchemaInput<Schema>): string => {
    validate(type, schema, input)
    return encoded(input)
  }
  return {
    ...{ type, version, continues, backOff, attentionAfter, turnTimeoutMs, encode },
    hash: fingerprint(options.revision ?? plainText(String(run))),
    uses: new Map(uses.map((command) => [command.type, command])),
    awaits: awaited,
    async run(steps, input, isTakenBack) {
      const stored = decodeJson(input)
      return run(steps, isTakenBack ? validOrAsItIs(type, schema, stored) : validate(type, schema, stored))
    },
    resultOf: (text) => JSON.parse(text),
  }
}

function validOrAsItIs<Schema extends StandardSchema>(
  type: string,
  schema: Schema,
  stored: unknown,
): SchemaOutput<Schema> {
  try {
    return validate(type, schema, stored)
  } catch {
    return stored as SchemaOutput<Schema>
  }
}

/** JSON text of what a step came to; that of nothing is that of null. Throws UNENCODABLE. */
export function encoded(value: unknown): string {
  return value === undefined ? 'null' : encodeJson(value)
}

/** Without what a formatter or a compiler may change. */
function plainText(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/(^|\s)\/\/.*$/gm, '')
    .replaceAll(/[\s;]+|,(?=\s*[)\]}])/g, '')
}

function refuseFaults<Tx, Schema extends StandardSchema, Result>(
  type: string,
  options: SagaOptions<Tx, Schema, Result>,
): void {
  const { version, continues = [], uses = [], attentionAfter = 1, turnTimeoutMs = 1 } = options
  const faults: string[] = []
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(type)) faults.push(`the type ${JSON.stringify(type)} must be 1 to 63 of a-z 0-9 -`)
  for (const each of [version, ...continues]) {
    if (!Number.isInteger(each) || each < 1 || each > 32_767) faults.push(`${each} is no version from 1 to 32767`)
  }
  if (continues.some((each) => each >= version)) faults.push(`it can only continue versions before ${version}`)
  const types = uses.map((command) => command.type)
  for (const twice of types.filter((each, at) => types.indexOf(each) !== at)) faults.push(`it uses ${twice} twice`)
  const { firstMs, maxMs } = options.backOff ?? { firstMs: 1, maxMs: 1 }
  if (!(firstMs >= 1 && maxMs >= firstMs && maxMs <= longestWaitMs)) {
    faults.push(`backOff must be from 1 to ${longestWaitMs} ms, and maxMs no less than firstMs`)
  }
  if (!(attentionAfter >= 1)) faults.push(`attentionAfter must be 1 or more, not ${attentionAfter}`)
  if (!(turnTimeoutMs >= 1 && turnTimeoutMs <= longestWaitMs))
    faults.push(`turnTimeoutMs must be 1 or more, not ${turnTimeoutMs}`)
  if (faults.length > 0) throw new EstafetError('MISCONFIGURED', `The saga is misdefined: ${faults.join('; ')}.`)
}
