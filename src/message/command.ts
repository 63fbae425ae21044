import { EstafetError } from './errors.ts'
import { type EventType, event } from './event.ts'
import type { SchemaInput, SchemaOutput, StandardSchema } from './standard-schema.ts'
import { within } from './within-schema.ts'

export interface CommandOptions<Schema extends StandardSchema, Reply extends StandardSchema, Refusal extends string> {
  /** Of the data's shape, from 1. */
  readonly version: number
  /** The service that does it. */
  readonly to: string
  readonly schema: Schema
  /** What the service answers when it has done it. */
  readonly reply: Reply
  /** Why it may say no: values, not exceptions. (Default: it never does.) */
  readonly refusals?: readonly Refusal[]
}

/** What a command carries on its way. */
export interface Request<Data> {
  /** Names what is asked, the same each time it is asked: it is done once. */
  readonly step: string
  /** Who asks, such as a saga: what it asks, and takes back, keeps its order. */
  readonly owner: string
  /** The service that wants the reply. */
  readonly replyTo: string
  readonly data: Data
}

/** What came of it. */
export type Answer<Reply, Refusal extends string> =
  | { readonly outcome: 'done'; readonly result: Reply }
  | { readonly outcome: 'refused'; readonly refusal: Refusal }
  /** It has no effect, and never will have. */
  | { readonly outcome: 'cancelled' }

/** An answer on its way. */
export interface Reply<Result, Refusal extends string> {
  readonly step: string
  readonly owner: string
  /** What it answers: being asked, or being asked to take back. */
  readonly answers: 'request' | 'cancel'
  readonly answer: Answer<Result, Refusal>
}

/**
 * Asks one service to do something once, and to answer. `request` and `cancel` are what it sends: taken back before or after it
 * was done, it has no effect; `reply` is what comes back, on a topic of who asked.
 */
export interface CommandType<Input, Data, ReplyInput, Result, Refusal extends string> {
  readonly type: string
  readonly to: string
  readonly refusals: readonly Refusal[]
  readonly request: EventType<Request<Input>, Request<Data>>
  readonly cancel: EventType<Request<Input>, Request<Data>>
  readonly reply: EventType<Reply<ReplyInput, Refusal>, Reply<Result, Refusal>>
}

/** The topic of what a service is asked to do. */
export function commandTopic(service: string): string {
  return `${service}.commands`
}

/** The topic of what comes back to a service. */
export function replyTopic(service: string): string {
  return `${service}.replies`
}

/** What a command's own messages are called by, after its type. */
const [cancelEnd, replyEnd] = ['.cancel', '.reply']

const serviceName = /^[a-z][a-z0-9-]{0,62}$/

/**
 * Defines a command, `command('hotel.reserve-room', { version: 1, to: 'hotel', schema, reply, refusals: ['no-room'] })`. Schemas
 * are any Standard Schemas. Throws MISCONFIGURED for a bad name, service or version, and for a name that ends in
 * `.cancel` or `.reply`, as the messages of other commands do.
 */
export function command<Schema extends StandardSchema, Result extends StandardSchema, Refusal extends string = never>(
  type: string,
  { version, to, schema, reply, refusals = [] }: CommandOptions<Schema, Result, Refusal>,
): CommandType<SchemaInput<Schema>, SchemaOutput<Schema>, SchemaInput<Result>, SchemaOutput<Result>, Refusal> {
  if (!serviceName.test(to)) {
    throw new EstafetError(
      'MISCONFIGURED',
      `The command ${type} is for ${JSON.stringify(to)}, which is no service’s name.`,
    )
  }
  const end = [cancelEnd, replyEnd].find((each) => type.endsWith(each))
  if (end !== undefined) {
    throw new EstafetError(
      'MISCONFIGURED',
      `The command ${type} cannot end in ${end}: so is called what a command ${type.slice(0, -end.length)} sends.`,
    )
  }
  const asked = (isLenient: boolean) => ({
    ...{ version, topic: commandTopic(to) },
    schema: within<Request<SchemaInput<Schema>>, Request<SchemaOutput<Schema>>>(schema, {
      ...{ texts: ['step', 'owner', 'replyTo'], at: ['data'], isLenient },
    }),
  })
  return {
    ...{ type, to, refusals },
    request: event(type, { ...asked(false), key: ({ owner }) => owner }),
    // What was asked for can be taken back, also when its schema would not take it any more.
    // Keys of their own: what takes a request back, and what answers a service that asks itself, must not wait behind one that fails.
    cancel: event(`${type}${cancelEnd}`, { ...asked(true), key: ({ owner }) => `${owner} cancel`.slice(-512) }),
    reply: event(`${type}${replyEnd}`, {
      version,
      key: ({ owner }) => `${owner} reply`.slice(-512),
      schema: within<Reply<SchemaInput<Result>, Refusal>, Reply<SchemaOutput<Result>, Refusal>>(reply, {
        texts: ['step', 'owner', 'answers'],
        at: ['answer', 'result'],
        unless: (data) => isAnswer(data, refusals),
      }),
    }),
  }
}

/** A command, as who asks for it sees it. */
export interface AskedCommand<Input, Result, Refusal extends string> {
  readonly type: string
  readonly to: string
  readonly refusals: readonly string[]
  readonly request: EventType<Request<Input>, Request<unknown>>
  readonly cancel: EventType<Request<Input>, Request<unknown>>
  readonly reply: EventType<never, Reply<Result, Refusal>>
}

/** Any command, when it does not matter of what. */
export type AnyCommand = AskedCommand<never, unknown, string>

/** Tells whether a reply says something else than that it was done. */
function isAnswer(data: object, refusals: readonly string[]): boolean {
  const answer: unknown = 'answer' in data ? data.answer : undefined
  if (typeof answer !== 'object' || answer === null || !('outcome' in answer)) return false
  if (answer.outcome === 'cancelled') return true
  return answer.outcome === 'refused' && 'refusal' in answer && refusals.some((each) => each === answer.refusal)
}
