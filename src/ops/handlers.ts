import { health, manifest } from './about.ts'
import { audit } from './audit.ts'
import type { RouteHandler } from './call.ts'
import { deadLetterExport, deadLetterImport } from './carry.ts'
import { discard, dryRun, edit } from './dead-letter-actions.ts'
import { deadLetter, deadLetterDiff, deadLetterGroups, deadLetterPayload, deadLetters } from './dead-letters.ts'
import { flow, flowDefinitions, flows } from './flows.ts'
import { lag } from './lag.ts'
import { log, logMessages, logVerify } from './log.ts'
import { openApi } from './openapi.ts'
import {
  dropProjection,
  pauseProjection,
  projections,
  promoteProjection,
  rebuildProjection,
  resumeProjection,
  verifyProjection,
} from './projections.ts'
import { publish } from './publish.ts'
import { cancelRedrive, pauseRedrive, redrive, redrives, resumeRedrive, startRedrive } from './redrives.ts'
import { replay, replayPreview } from './replay.ts'
import type { RouteName } from './routes.ts'
import { saga, sagaDefinitions, sagas } from './sagas.ts'
import { answerSaga, cancelSaga, compensateSaga, fireSaga, retrySaga, skipSaga } from './steer-sagas.ts'
import { streamBlame, streamDiff, streamEvents, streamState } from './streams.ts'
import { parkedKeys, pauseSubscription, resumeSubscription, subscriptions } from './subscriptions.ts'

const openapi: RouteHandler = async ({ service, version }) => openApi(service.name, version)

/** What each route of the table does: one that is not here does not compile, nor one that is not there. */
export const handlers: Readonly<Record<RouteName, RouteHandler>> = {
  ...{
    manifest,
    health,
    openapi,
    lag,
    log,
    logMessages,
    logVerify,
    subscriptions,
    parkedKeys,
    audit,
    redrives,
    redrive,
  },
  ...{ deadLetterGroups, deadLetters, deadLetterExport, deadLetter, deadLetterPayload, deadLetterDiff, dryRun, edit },
  ...{ discard, startRedrive, pauseRedrive, resumeRedrive, cancelRedrive, pauseSubscription, resumeSubscription },
  ...{ publish, replayPreview, replay, deadLetterImport },
  ...{ streamEvents, streamState, streamDiff, streamBlame },
  ...{ projections, pauseProjection, resumeProjection, rebuildProjection, verifyProjection },
  ...{ promoteProjection, dropProjection },
  ...{ sagas, sagaDefinitions, saga, answerSaga, fireSaga, retrySaga, skipSaga, compensateSaga, cancelSaga },
  ...{ flows, flowDefinitions, flow },
}
