import { flowRoutes } from './flow-routes.ts'
import { page } from './paging.ts'
import type { Param, Route } from './route.ts'
import { sagaStatuses } from './saga-statuses.ts'

const number = { in: 'path', kind: 'number', isRequired: true, says: 'which one' } as const
const feed = {
  in: 'path',
  kind: 'text',
  isRequired: true,
  says: 'name of the feed, as /subscriptions gives it',
} as const
const reason = { in: 'body', kind: 'text', max: 1000, says: 'why, for the audit' } as const
const requestId = { in: 'body', kind: 'text', max: 100, says: 'asking again with the same is asking once' } as const
const expect = {
  in: 'body',
  kind: 'count',
  says: 'the count that the preview gave; left out: the answer is the preview',
} as const
const filters = { fingerprint: 'of its group', type: 'of the event', key: 'of the message', handler: 'that failed' }
const before = 'only those that last failed before this instant'

const filter = (where: 'query' | 'body') =>
  ({
    fingerprint: { in: where, kind: 'text', says: filters.fingerprint },
    type: { in: where, kind: 'text', says: filters.type },
    key: { in: where, kind: 'text', says: filters.key },
    handler: { in: where, kind: 'text', says: filters.handler },
    before: { in: where, kind: 'instant', says: before },
  }) as const satisfies Record<string, Param>

const selection = {
  numbers: { in: 'body', kind: 'numbers', max: 10_000, says: 'these, or those that all the filters given fit' },
  ...filter('body'),
} as const satisfies Record<string, Param>

const replay = {
  feed,
  to: {
    in: 'body',
    kind: 'number',
    says: 'the cursor after which history comes again; 0: all of it, the only one for several partitions',
  },
  time: { in: 'body', kind: 'instant', says: 'or the instant from which it does' },
} as const satisfies Record<string, Param>

const stream = {
  type: { in: 'path', kind: 'text', isRequired: true, max: 200, says: 'of the stream, as its decider is named' },
  id: { in: 'path', kind: 'text', isRequired: true, says: 'of the stream' },
} as const satisfies Record<string, Param>

const projection = {
  in: 'path',
  kind: 'text',
  isRequired: true,
  max: 63,
  says: 'name of the projection, as /projections gives it',
} as const
const build = {
  projection,
  version: { in: 'body', kind: 'count', isRequired: true, says: 'of the projection' },
  build: { in: 'body', kind: 'count', says: 'which try at this version; left out: the first' },
  reason,
} as const satisfies Record<string, Param>

const saga = { in: 'path', kind: 'text', isRequired: true, says: 'of the saga' } as const
const step = { in: 'body', kind: 'text', isRequired: true, max: 100, says: 'name of the step' } as const
const steering = {
  id: saga,
  reason: { ...reason, isRequired: true, says: 'why, for the audit and the step' },
  requestId,
} as const satisfies Record<string, Param>

/** THE table of the ops API. The gate, the OpenAPI document and the tests are made from it. */
export const routes = {
  manifest: {
    ...{ method: 'GET', path: '/manifest', role: 'view', params: {}, answer: 'Manifest' },
    summary: 'Which service this is, what it handles and publishes, and who asks.',
  },
  health: {
    ...{ method: 'GET', path: '/health', role: 'view', params: {}, answer: 'Health' },
    summary: 'Whether this process works, and what holds it up.',
  },
  openapi: {
    ...{ method: 'GET', path: '/openapi.json', role: 'view', params: {}, answer: 'OpenApi' },
    summary: 'This API as an OpenAPI document.',
  },
  lag: {
    ...{ method: 'GET', path: '/lag', role: 'view', params: {}, answer: 'LagList' },
    summary: 'How far each feed is behind, in messages and in seconds, with its oldest unread message.',
  },
  log: {
    ...{ method: 'GET', path: '/log', role: 'view', params: {}, answer: 'LogHead' },
    summary: 'Which log the service writes, and how far it goes.',
  },
  logMessages: {
    ...{ method: 'GET', path: '/log/messages', role: 'view', answer: 'LogMessageList' },
    summary: 'Messages of the service’s log by position; with payloads for whoever may see them.',
    params: {
      ...page,
      type: { in: 'query', kind: 'text', says: 'only this type' },
      key: { in: 'query', kind: 'text', says: 'only this key' },
      correlationId: { in: 'query', kind: 'text', says: 'only what follows from one request' },
    },
  },
  logVerify: {
    ...{ method: 'GET', path: '/log/verify', role: 'view', answer: 'LogVerdict' },
    summary: 'Looks through a part of the log for what should not be there.',
    params: {
      after: page.after,
      limit: { in: 'query', kind: 'count', max: 100_000, says: 'messages to look at, at most and by default 100000' },
    },
  },
  subscriptions: {
    ...{ method: 'GET', path: '/subscriptions', role: 'view', params: {}, answer: 'SubscriptionList' },
    summary: 'The feeds that the service reads, with the progress of each lane.',
  },
  parkedKeys: {
    ...{ method: 'GET', path: '/parked-keys', role: 'view', params: page, answer: 'ParkedKeyList' },
    summary: 'Keys that wait because one of their messages could not be handled.',
  },
  audit: {
    ...{ method: 'GET', path: '/audit', role: 'view', params: page, answer: 'AuditList' },
    summary: 'What people did, newest first.',
  },
  redrives: {
    ...{ method: 'GET', path: '/redrives', role: 'view', params: page, answer: 'RedriveList' },
    summary: 'Jobs that bring dead letters back, newest first.',
  },
  redrive: {
    ...{ method: 'GET', path: '/redrives/{number}', role: 'view', params: { number }, answer: 'Redrive' },
    summary: 'One such job.',
  },
  deadLetterGroups: {
    ...{ method: 'GET', path: '/dead-letters/groups', role: 'view', params: page, answer: 'DeadLetterGroupList' },
    summary: 'Dead letters by what looks like the same fault.',
  },
  deadLetters: {
    ...{ method: 'GET', path: '/dead-letters', role: 'view', answer: 'DeadLetterList' },
    summary: 'Dead letters, oldest first, without their content.',
    params: { ...page, ...filter('query') },
  },
  deadLetterExport: {
    ...{ method: 'GET', path: '/dead-letters/export', role: 'payloads', answer: 'DeadLetterLines' },
    summary: 'Dead letters with their content, one JSON object a line, as /dead-letters/import takes them.',
    params: filter('query'),
  },
  deadLetter: {
    ...{ method: 'GET', path: '/dead-letters/{number}', role: 'view', params: { number }, answer: 'DeadLetter' },
    summary: 'One parked message, whatever became of it, with every attempt.',
  },
  deadLetterPayload: {
    ...{ method: 'GET', path: '/dead-letters/{number}/payload', role: 'payloads', answer: 'Content' },
    summary: 'Its payload and headers.',
    params: { number },
  },
  deadLetterDiff: {
    ...{ method: 'GET', path: '/dead-letters/{number}/diff', role: 'payloads', answer: 'Diff' },
    summary: 'What an edit changed, given the number of the old message or of the new one.',
    params: { number },
  },
  dryRun: {
    ...{ method: 'POST', path: '/dead-letters/{number}/dry-run', role: 'operate', answer: 'DryRun' },
    summary: 'Runs its handlers in a transaction that is rolled back; tells what they would write and publish.',
    params: {
      number,
      payload: { in: 'body', kind: 'value', says: 'tried in place of its own, as an edit would have it' },
    },
  },
  edit: {
    ...{ method: 'POST', path: '/dead-letters/{number}/edit', role: 'operate', answer: 'Edited' },
    summary:
      'Replaces it by a new message with this payload, which is tried at once. A field left as *** keeps its value.',
    params: {
      ...{ number, reason, requestId },
      payload: { in: 'body', kind: 'value', isRequired: true, says: 'data of the event, as its schema wants it' },
    },
  },
  discard: {
    ...{ method: 'POST', path: '/dead-letters/discard', role: 'operate', answer: 'Counted' },
    summary: 'Gives dead letters up, with a reason, and lets their keys go on.',
    params: { ...selection, expect, reason, requestId },
  },
  startRedrive: {
    ...{ method: 'POST', path: '/redrives', role: 'operate', answer: 'StartedRedrive' },
    summary: 'Brings dead letters back on the normal path, under the same ids.',
    params: {
      ...{ ...selection, expect, reason, requestId },
      isCanary: { in: 'body', kind: 'flag', says: '1, then 10, then the rest; stops at the first that fails' },
      rate: { in: 'body', kind: 'count', max: 100_000, says: 'messages a second; left out: as fast as they go' },
    },
  },
  pauseRedrive: {
    ...{ method: 'POST', path: '/redrives/{number}/pause', role: 'operate', params: { number, reason } },
    ...{ answer: 'RedriveChange', summary: 'Releases no more of its messages until it is resumed.' },
  },
  resumeRedrive: {
    ...{ method: 'POST', path: '/redrives/{number}/resume', role: 'operate', params: { number, reason } },
    ...{ answer: 'RedriveChange', summary: 'Lets it go on.' },
  },
  cancelRedrive: {
    ...{ method: 'POST', path: '/redrives/{number}/cancel', role: 'operate', params: { number, reason } },
    ...{ answer: 'RedriveChange', summary: 'Ends it; what it released is tried all the same.' },
  },
  pauseSubscription: {
    ...{ method: 'POST', path: '/subscriptions/{feed}/pause', role: 'operate', params: { feed, reason } },
    ...{ answer: 'Pause', summary: 'Pauses the service’s subscription: this feed and all its others.' },
  },
  resumeSubscription: {
    ...{ method: 'POST', path: '/subscriptions/{feed}/resume', role: 'operate', params: { feed, reason } },
    ...{ answer: 'Pause', summary: 'Lets the service’s subscription go on.' },
  },
  publish: {
    ...{ method: 'POST', path: '/messages', role: 'operate', answer: 'Published' },
    summary: 'Publishes an event of the service.',
    params: {
      type: { in: 'body', kind: 'text', isRequired: true, says: 'of an event that the service publishes' },
      data: { in: 'body', kind: 'value', isRequired: true, says: 'as its schema wants it' },
      correlationId: { in: 'body', kind: 'text', max: 200, says: 'left out: its own id' },
      ...{ reason, requestId },
    },
  },
  replayPreview: {
    ...{ method: 'POST', path: '/subscriptions/{feed}/replay/preview', role: 'view', params: replay },
    ...{ answer: 'ReplayPreview', summary: 'How many messages a replay would deliver again.' },
  },
  replay: {
    ...{ method: 'POST', path: '/subscriptions/{feed}/replay', role: 'admin', answer: 'Counted' },
    summary: 'Delivers history again: it takes effect again, unless the handlers prevent that.',
    params: {
      ...{ ...replay, expect: { ...expect, isRequired: true }, reason, requestId },
      reached: {
        in: 'body',
        kind: 'numbers',
        max: 256,
        says: 'as the preview gave it: needed where messages keep coming',
      },
    },
  },
  deadLetterImport: {
    ...{ method: 'POST', path: '/dead-letters/import', role: 'admin', answer: 'Counted', maxBytes: 16_777_216 },
    summary: 'Takes dead letters in that /dead-letters/export gave; those that are there are left out.',
    params: {
      items: { in: 'body', kind: 'records', isRequired: true, max: 10_000, says: 'the lines of the export' },
      ...{ expect, reason, requestId },
    },
  },
  streamEvents: {
    ...{ method: 'GET', path: '/streams/{type}/{id}/events', role: 'view', answer: 'StreamEventList' },
    summary: 'Events of one of the service’s own streams, in order; with payloads for whoever may see them.',
    params: {
      ...stream,
      after: { in: 'query', kind: 'count', says: 'the version after which it begins; left out: the beginning' },
      limit: page.limit,
    },
  },
  streamState: {
    ...{ method: 'GET', path: '/streams/{type}/{id}/state', role: 'payloads', answer: 'StreamState' },
    summary: 'What its events made of a stream, now or as it was.',
    params: {
      ...stream,
      version: { in: 'query', kind: 'count', says: 'as it was at this version; left out: as it is' },
      time: { in: 'query', kind: 'instant', says: 'or as it was at this instant, by the database’s clock' },
    },
  },
  streamDiff: {
    ...{ method: 'GET', path: '/streams/{type}/{id}/diff', role: 'payloads', answer: 'StreamDiff' },
    summary: 'What changed in a stream between two versions.',
    params: {
      ...stream,
      from: { in: 'query', kind: 'count', says: 'the version before; left out: that before the other one' },
      to: { in: 'query', kind: 'count', says: 'the version after; left out: the last' },
    },
  },
  streamBlame: {
    ...{ method: 'GET', path: '/streams/{type}/{id}/blame', role: 'payloads', answer: 'StreamBlame' },
    summary: 'The event that last changed a value of a stream.',
    params: {
      ...stream,
      path: {
        in: 'query',
        kind: 'text',
        says: 'JSON pointer of the value, such as /items/0/price; left out: anything',
      },
    },
  },
  projections: {
    ...{ method: 'GET', path: '/projections', role: 'view', params: {}, answer: 'ProjectionList' },
    summary: 'The read models of the service: which build serves, how far each is, and what holds it up.',
  },
  pauseProjection: {
    ...{ method: 'POST', path: '/projections/{projection}/pause', role: 'operate', params: { projection, reason } },
    ...{ answer: 'ProjectionPause', summary: 'Lets a read model stand where it is.' },
  },
  resumeProjection: {
    ...{ method: 'POST', path: '/projections/{projection}/resume', role: 'operate', params: { projection, reason } },
    ...{ answer: 'ProjectionPause', summary: 'Lets it go on.' },
  },
  rebuildProjection: {
    ...{ method: 'POST', path: '/projections/{projection}/rebuild', role: 'operate', params: { projection, reason } },
    ...{ answer: 'ProjectionBuild', summary: 'Builds the version that serves again, beside it.' },
  },
  verifyProjection: {
    ...{ method: 'POST', path: '/projections/{projection}/verify', role: 'operate', params: { projection } },
    ...{
      answer: 'Verification',
      summary: 'Folds the events again and compares row by row; writes nothing that stays.',
    },
  },
  promoteProjection: {
    ...{ method: 'POST', path: '/projections/{projection}/promote', role: 'admin', answer: 'Promotion' },
    summary: 'Shows another build instead of the one that serves.',
    params: {
      ...build,
      force: { in: 'body', kind: 'flag', says: 'also when it is behind, stopped or has parked keys' },
    },
  },
  dropProjection: {
    ...{ method: 'POST', path: '/projections/{projection}/drop', role: 'admin', params: build },
    ...{ answer: 'ProjectionBuild', summary: 'Removes a build that does not serve, with its tables.' },
  },
  sagas: {
    ...{ method: 'GET', path: '/sagas', role: 'view', answer: 'SagaList' },
    summary: 'Sagas, the first begun first: how each stands, since when, and why it waits.',
    params: {
      ...page,
      type: { in: 'query', kind: 'text', says: 'only this type' },
      status: { in: 'query', kind: 'text', choices: sagaStatuses, says: 'only those that are so' },
      idle: {
        in: 'query',
        kind: 'count',
        says: 'only those not at their end that did not get on for so many seconds',
      },
      stuck: { in: 'query', kind: 'flag', says: 'only those that a person should look at' },
    },
  },
  sagaDefinitions: {
    ...{ method: 'GET', path: '/saga-definitions', role: 'view', params: {}, answer: 'SagaDefinitionList' },
    summary: 'Of each type and version how many sagas stand how, how many are stuck, and for how long.',
  },
  saga: {
    ...{ method: 'GET', path: '/sagas/{id}', role: 'view', params: { id: saga }, answer: 'Saga' },
    summary: 'One saga with its steps; with what they hold for whoever may see payloads.',
  },
  answerSaga: {
    ...{ method: 'POST', path: '/sagas/{id}/answer', role: 'operate', answer: 'Steered' },
    summary:
      'Says what came of a step that waits, or of local work that fails; the service that was asked is not told.',
    params: {
      ...{ ...steering, step },
      outcome: {
        ...{ in: 'body', kind: 'text', isRequired: true, choices: ['done', 'refused', 'cancelled'] },
        says: 'what came of it',
      },
      result: { in: 'body', kind: 'value', says: 'of done: what the step comes to' },
      refusal: { in: 'body', kind: 'text', max: 200, says: 'of refused: the name of the refusal' },
    },
  },
  fireSaga: {
    ...{ method: 'POST', path: '/sagas/{id}/fire', role: 'operate', params: { ...steering, step } },
    ...{ answer: 'Steered', summary: 'Lets the time of a step have come.' },
  },
  retrySaga: {
    ...{ method: 'POST', path: '/sagas/{id}/retry', role: 'operate', params: steering },
    ...{ answer: 'Steered', summary: 'Tries now what would be tried later, and asks again what was not answered.' },
  },
  skipSaga: {
    ...{ method: 'POST', path: '/sagas/{id}/skip', role: 'operate', params: { ...steering, step } },
    ...{ answer: 'Steered', summary: 'Goes on as if a step had been taken back: what it did stays.' },
  },
  compensateSaga: {
    ...{ method: 'POST', path: '/sagas/{id}/compensate', role: 'operate', params: steering },
    ...{ answer: 'Steered', summary: 'Takes everything back, also of a saga that has completed.' },
  },
  cancelSaga: {
    ...{ method: 'POST', path: '/sagas/{id}/cancel', role: 'operate', params: steering },
    ...{ answer: 'Steered', summary: 'Takes everything back of a saga that still runs, and of no other.' },
  },
  ...flowRoutes,
} as const satisfies Record<string, Route>

export type RouteName = keyof typeof routes

export const basePath = '/ops/v1'
