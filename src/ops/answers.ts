import { flowStatuses } from './flow-statuses.ts'
import { sagaStatuses } from './saga-statuses.ts'

/** A JSON schema, as far as the answers need one. */
export type Schema =
  | { readonly $ref: string }
  | { readonly description?: string; readonly type: string | readonly string[]; readonly enum?: readonly string[] }
  | { readonly description?: string; readonly type: 'array'; readonly items: Schema }
  | { readonly description: string }
  | {
      readonly description?: string
      readonly type: 'object' | readonly ['object', 'null']
      readonly required: readonly string[]
      readonly properties: Readonly<Record<string, Schema>>
    }

const text = { type: 'string' } as const
const count = { type: 'integer' } as const
const amount = { type: 'number' } as const
const flag = { type: 'boolean' } as const
const orNull = { type: ['string', 'null'] } as const
const number = { type: 'string', description: 'a whole number' } as const
const numberOrNull = { type: ['string', 'null'], description: 'a whole number, or null' } as const
const time = { type: 'string', description: 'ISO 8601 in UTC' } as const
const timeOrNull = { type: ['string', 'null'], description: 'ISO 8601 in UTC, or null' } as const
const anything = { description: 'any JSON' } as const
const oneOf = (...values: readonly string[]): Schema => ({ type: 'string', enum: values })
const list = (items: Schema): Schema => ({ type: 'array', items })

/** Every field is always there, unless it is named in `maybe`. */
function object(properties: Readonly<Record<string, Schema>>, maybe: Readonly<Record<string, Schema>> = {}): Schema {
  return { type: 'object', required: Object.keys(properties), properties: { ...properties, ...maybe } }
}

const paged = (items: Schema): Schema => object({ items: list(items), next: numberOrNull })

const envelope = {
  ...{
    source: text,
    epoch: text,
    position: number,
    time,
    id: text,
    type: text,
    version: count,
    topic: text,
    key: text,
  },
  ...{ correlationId: text, causationId: orNull, traceparent: orNull },
}
const stream = object({ type: text, id: text })
const change = object({ path: text }, { before: anything, after: anything })
const content = { payload: anything, text: orNull, base64: orNull, masked: list(text) }
const letter = {
  ...{ ...envelope, number, feed: text, lane: count, isBlocking: flag, parkedAt: time, endedAt: timeOrNull },
  ...{ state: oneOf('waiting', 'retrying', 'dead', 'applied', 'discarded', 'replaced'), attempts: count },
  ...{ handler: orNull, errorName: orNull, errorMessage: orNull, fingerprint: orNull },
  ...{ firstFailedAt: timeOrNull, failedAt: timeOrNull, redrive: numberOrNull, replaces: numberOrNull },
  payloadBytes: count,
}
const attempt = object({
  ...{ number: count, at: time, endedAt: timeOrNull, owner: text, serviceVersion: text },
  ...{ outcome: oneOf('started', 'failed', 'applied', 'crashed'), handler: orNull },
  ...{ errorName: orNull, errorMessage: orNull, stack: orNull },
})
const job = {
  ...{ number, requestId: text, state: oneOf('running', 'paused', 'cancelled', 'stopped', 'done'), isCanary: flag },
  ...{ rate: { type: ['integer', 'null'] } as const, selection: anything, requestedBy: text, reason: orNull },
  ...{ createdAt: time, changedAt: time, pending: count, released: count, applied: count, failed: count },
  cancelled: count,
}
const paused: Schema = {
  type: ['object', 'null'],
  required: ['at', 'by', 'reason'],
  properties: { at: time, by: text, reason: orNull },
}
const outcome = oneOf('preview', 'done', 'repeated')
const sagaStatus = oneOf(...sagaStatuses)
const sagaStep = {
  ...{ name: text, kind: oneOf('run', 'request', 'sleep', 'wait', 'event'), tries: count },
  state: oneOf('asking', 'waiting', 'cancelling', 'undoing', 'done', 'refused', 'cancelled', 'undone', 'kept'),
}
const sagaRow = {
  ...{ number, id: text, type: text, version: count, hash: text, correlationId: text, status: sagaStatus },
  ...{ failure: orNull, attention: orNull, tries: count, error: orNull, startedAt: time, progressedAt: time },
  ...{ idleSeconds: count, dueAt: timeOrNull, overdueSeconds: count, isStuck: flag },
  ...{
    openSteps: list(object(sagaStep)),
    why: { type: 'string', description: 'why it waits, in a sentence' } as const,
  },
}
const flowRow = {
  ...{ number, flow: text, correlationId: text, status: oneOf(...flowStatuses), begunAt: timeOrNull, lastAt: time },
  ...{ idleSeconds: count, dueAt: timeOrNull, overdueSeconds: count },
  awaited: list(object({ after: text, oneOf: list(text), count, since: time, until: time })),
  why: { type: 'string', description: 'what it waits for, in a sentence' } as const,
}
const contentOrNull: Schema = {
  type: ['object', 'null'],
  required: Object.keys(content),
  properties: content,
}

/** What each route answers, by the names that the table uses. */
export const answers = {
  Manifest: object({
    ...{ service: text, version: text, api: text, lanes: count, feeds: list(text) },
    handlers: list(object({ name: text, type: text, topic: text, isSet: flag, timeoutMs: count })),
    publishes: list(object({ type: text, version: count, topic: text, mask: list(text) })),
    caller: object({ name: text, role: oneOf('view', 'payloads', 'operate', 'admin'), mayOperate: flag }),
  }),
  Health: object({
    ...{ live: flag, ready: flag, stalled: list(object({ name: text, state: text, silentMs: amount, error: orNull })) },
    counters: object({ applied: count, duplicates: count, retried: count }),
    paused: list(object({ feed: text, because: text })),
    parked: object({}),
  }),
  OpenApi: object({
    ...{ openapi: text, info: anything, servers: anything, security: anything, paths: anything, components: anything },
  }),
  LagList: paged(
    object({
      ...{ feed: text, isExact: flag, oldestUnreadAt: timeOrNull, error: orNull },
      lag: { type: ['integer', 'null'], description: 'messages; at most so many when it is not exact' },
      seconds: { type: ['number', 'null'], description: 'age of the oldest unread message' },
      lanes: list(object({ lane: count, cursor: number, messages: count, hasMore: flag, oldestUnreadAt: timeOrNull })),
    }),
  ),
  LogHead: object({
    ...{ source: text, epoch: text, lastDrawn: number, lastCommitted: number, firstAt: timeOrNull, lastAt: timeOrNull },
    writers: count,
  }),
  LogMessageList: paged(object(envelope, { headers: anything, ...content })),
  LogVerdict: object({
    ...{ messages: count, missing: count, firstPosition: numberOrNull, lastPosition: numberOrNull },
    ...{ wrongSlots: count, repeatedIds: count, next: numberOrNull },
  }),
  SubscriptionList: paged(
    object({
      ...{ feed: text, isRead: flag, paused },
      lanes: list(object({ epoch: text, lane: count, cursor: number, owner: orNull })),
    }),
  ),
  ParkedKeyList: paged(
    object({
      ...{ feed: text, key: text, lane: count, state: oneOf('retrying', 'dead'), head: number, tries: count },
      ...{ nextAt: time, parkedAt: time, messages: count },
    }),
  ),
  AuditList: paged(
    object({
      ...{ number, at: time, who: text, action: text, subscription: text, selection: anything, count },
      ...{ reason: orNull, details: anything },
    }),
  ),
  RedriveList: paged(object(job)),
  Redrive: object(job),
  StartedRedrive: object({ outcome, count }, job),
  RedriveChange: object({ number, state: text, outcome: oneOf('done', 'repeated') }),
  DeadLetterGroupList: paged(
    object({
      ...{
        fingerprint: text,
        handler: orNull,
        type: text,
        errorName: orNull,
        errorMessage: orNull,
        count,
        keys: count,
      },
      ...{ firstFailedAt: timeOrNull, lastFailedAt: timeOrNull },
    }),
  ),
  DeadLetterList: paged(object(letter)),
  DeadLetterLines: object(
    { ...letter, payload: anything, masked: list(text) },
    { headers: anything, text: orNull, base64: orNull },
  ),
  DeadLetter: object({ ...letter, replacedBy: numberOrNull, history: list(attempt) }),
  Content: object({ number, type: text, headers: anything, ...content }),
  Diff: object({
    ...{ number, replaces: number },
    changes: list(object({ field: text }, { before: anything, after: anything })),
  }),
  DryRun: object({
    ...{ isApplied: flag, handlers: list(text), statements: list(text) },
    failure: {
      type: ['object', 'null'],
      required: ['handler', 'errorName', 'errorMessage', 'stack'],
      properties: { handler: text, errorName: text, errorMessage: text, stack: text },
    },
    published: list(object({ type: text, version: count, topic: text, key: text, data: anything })),
    writes: list(object({ table: text, inserted: count, updated: count, deleted: count })),
  }),
  Edited: object({ outcome: oneOf('done', 'repeated'), number, replaces: number, fields: list(text) }),
  Counted: object({ outcome, count }),
  Pause: object({ isPaused: flag, isChanged: flag, feeds: list(text) }),
  Published: object({ outcome: oneOf('done', 'repeated'), id: text, type: text, key: text }),
  ReplayPreview: object({
    ...{ feed: text, epoch: text, starts: list(number), reached: list(number), count, applied: count, isExact: flag },
  }),
  StreamEventList: paged(object({ ...envelope, streamVersion: count }, { headers: anything, ...content })),
  StreamState: object({ stream, version: count, time: timeOrNull, state: anything, masked: list(text) }),
  StreamDiff: object({ stream, from: count, to: count, changes: list(change), masked: list(text) }),
  StreamBlame: object({
    ...{ stream, streamVersion: count, id: text, type: text, time, correlationId: text, change, masked: list(text) },
  }),
  ProjectionList: paged(
    object({
      ...{ projection: text, version: count, build: count, state: oneOf('wanted', 'building', 'serving', 'kept') },
      ...{ isInline: flag, isPaused: flag, tables: list(text), parkedMessages: count, refused: orNull },
      secondsLeft: { type: ['number', 'null'], description: 'until all is folded, at the pace of late' },
      feeds: list(
        object({
          ...{ feed: text, isOwn: flag, position: number, left: numberOrNull },
          perSecond: { type: ['number', 'null'], description: 'events folded in a second, of late' },
        }),
      ),
      stops: list(
        object({
          ...{ feed: text, lane: count, position: number, messageId: text, type: text },
          ...{ errorName: text, errorMessage: text, tries: count, since: time },
        }),
      ),
    }),
  ),
  ProjectionPause: object({ projection: text, isPaused: flag, isChanged: flag }),
  ProjectionBuild: object({ projection: text, version: count, build: count }),
  Promotion: object({
    ...{ projection: text, version: count, build: count },
    outcome: oneOf('done', 'serving', 'behind', 'stopped', 'parked'),
  }),
  Verification: object({
    ...{ projection: text, version: count, build: count, isEqual: flag },
    tables: list(object({ table: text, rows: count, missing: count, unexpected: count })),
  }),
  SagaList: paged(object(sagaRow)),
  SagaDefinitionList: paged(
    object({
      ...{ type: text, version: count, hash: text, status: sagaStatus, sagas: count, stuck: count },
      idleSeconds: { type: 'integer', description: 'of the one that did not get on for longest' },
      stuckSeconds: { type: 'integer', description: 'the same of those that are stuck' },
    }),
  ),
  Saga: object(
    {
      ...{ ...sagaRow, askedBy: anything },
      steps: list(
        object(
          {
            ...{
              ...sagaStep,
              hasUndo: flag,
              isPivot: flag,
              rank: { type: ['integer', 'null'] } as const,
              note: orNull,
              isDue: flag,
            },
            ...{ begunAt: time, changedAt: time, dueAt: timeOrNull },
            asks: { type: ['string', 'null'], description: 'type of the command, or of the event that it waits for' },
          },
          { value: contentOrNull, request: contentOrNull },
        ),
      ),
    },
    { input: contentOrNull, result: contentOrNull },
  ),
  Steered: object({ outcome: oneOf('done', 'repeated'), id: text, status: sagaStatus }),
  FlowList: paged(object(flowRow)),
  FlowDefinitionList: paged(object({ flow: text, unbegun: count, waiting: count, overdue: count, ended: count })),
  Flow: object({ ...flowRow, events: list(object({ source: text, id: text, type: text, at: time })) }),
  Error: object({ error: object({ code: text, message: text, hint: orNull }) }),
} as const satisfies Record<string, Schema>
