export type { BackOff } from './delivery/back-off.ts'
export type { DeadLetterNotice, OnDeadLetter } from './delivery/dead-letter-notice.ts'
export { type Handler, type HandlerContext, type HandlerOptions, on, onMany, rejected } from './delivery/handler.ts'
export type { CompleteRule, RetryRule, WhenDead } from './delivery/retry-policy.ts'
export {
  isStreamCopy,
  type SourceEvent,
  type StreamCopy,
  type StreamCopyOptions,
  streamCopy,
} from './event-sourcing/copy.ts'
export type { CopyDifference } from './event-sourcing/copy-compare.ts'
export { copiedFromHeader } from './event-sourcing/copy-event.ts'
export { StreamMoved } from './event-sourcing/copy-moved.ts'
export { type CopyOptions, type CopyReport, copyStreams } from './event-sourcing/copy-run.ts'
export type { CopyFault, CopyParts } from './event-sourcing/copy-tail.ts'
export { type CopyVerdict, previewCopies, verifyCopies } from './event-sourcing/copy-verify.ts'
export {
  type AnyDecider,
  type Decider,
  type DeciderOptions,
  decider,
  type Fold,
  when,
} from './event-sourcing/decider.ts'
export type { Loaded } from './event-sourcing/load.ts'
export { type Decision, type Situation, type Specification, specification } from './event-sourcing/specification.ts'
export { type Handled, type HandleOptions, type Streams, streams } from './event-sourcing/streams.ts'
export {
  type Blame,
  blame,
  type Change,
  differences,
  eventsUntil,
  stateOf,
  type Until,
} from './event-sourcing/time-travel.ts'
export {
  type Answer,
  type AnyCommand,
  type AskedCommand,
  type CommandOptions,
  type CommandType,
  command,
  commandTopic,
  type Reply,
  type Request,
  replyTopic,
} from './message/command.ts'
export { type ErrorCode, EstafetError, errorCodes, isEstafetError } from './message/errors.ts'
export { type EventOptions, type EventType, event } from './message/event.ts'
export type {
  Delivery,
  EncodedMessage,
  MessageContext,
  OutgoingMessage,
  ReceivedMessage,
  StoredMessage,
} from './message/message.ts'
export { type Erased, erased, isErased, type Personal, type PersonalFields } from './message/personal.ts'
export type { Quantity, WantedQuantity } from './message/quantity.ts'
export type { StandardSchema } from './message/standard-schema.ts'
export {
  type OutgoingEvent,
  type ReceivedEvent,
  type StreamEventOptions,
  type StreamEventType,
  streamEvent,
} from './message/stream-event.ts'
export type { Upcast, Upcasts } from './message/upcast.ts'
export { defaultLimits, type MessageLimits } from './outbox/prepare.ts'
export { type PreparePublish, type Publish, type Published, preparer, publisher } from './outbox/publisher.ts'
export { SubjectErased, type SubjectErasedData } from './personal/subject-erased.ts'
export { withoutKeys } from './personal/without-keys.ts'
export type { Clock } from './ports/clock.ts'
export type {
  Appended,
  AppendOptions,
  EncodedEvent,
  EventStore,
  ExpectedVersion,
  RecordedEvent,
  StreamAppend,
  StreamName,
  StreamRange,
} from './ports/event-store.ts'
export type { Feed, FeedState, Fetched } from './ports/feed.ts'
export type { FlowFilter, FlowRow, FlowSearch, FlowSummary, ShownFlow } from './ports/flow-search.ts'
export type { FlowEvent, FlowName, FlowStatus, Flows, FlowView, OpenExpectation } from './ports/flows.ts'
export type { HeldLock, HeldReservation, HoldFilter, HoldSearch } from './ports/hold-search.ts'
export type { Inbox, SentId } from './ports/inbox.ts'
export type { Lane, LaneGroup, LaneStore, LaneSurvey, Progress } from './ports/lane-store.ts'
export type { Log, LogRange, LogState } from './ports/log.ts'
export { type LogFields, type Logger, withFields } from './ports/logger.ts'
export type { Outbox } from './ports/outbox.ts'
export type { Failure, NextStep, ParkedEntry, Parking } from './ports/parking.ts'
export type {
  BuildRecord,
  BuildRef,
  BuildState,
  FeedProgress,
  ProjectionControl,
  PromotionOutcome,
  Stop,
} from './ports/projections.ts'
export type { Random } from './ports/random.ts'
export type { Lacking, Reservations, Reserved } from './ports/reservations.ts'
export type { Attempt, Attempter, DueKeys, ParkedKey, Retries } from './ports/retries.ts'
export type { SagaFilter, SagaRow, SagaSearch, SagaSummary, ShownSaga, ShownStep } from './ports/saga-search.ts'
export type {
  NewSaga,
  OpenSaga,
  SagaChange,
  SagaStatus,
  SagaStep,
  Sagas,
  SagaVersion,
  StepChange,
  StepKind,
  StepState,
} from './ports/sagas.ts'
export type { LockTaken, SemanticLocks } from './ports/semantic-locks.ts'
export type { RelayedMessage, Sink } from './ports/sink.ts'
export type { Snapshot, Snapshots } from './ports/snapshots.ts'
export type { FencedStep, SettledState, StepFence } from './ports/step-fence.ts'
export type { StreamIndex } from './ports/stream-index.ts'
export type { UnitOfWork } from './ports/unit-of-work.ts'
export type { Eraser, Opened, OpenRequest, SealRequest, Vault } from './ports/vault.ts'
export type { Announcer, WakeUp } from './ports/wake-up.ts'
export {
  type ProjectionContext,
  type ProjectOptions,
  type Projector,
  project,
  projectMany,
  type TableNames,
} from './projection/project.ts'
export { type Projection, type ProjectionOptions, projection } from './projection/projection.ts'
export type { AgentReport, AgentState } from './runtime/agent.ts'
export { type LoggerOptions, type LogLevel, logger } from './runtime/logger.ts'
export type { Asker, ProjectionStatus, Projections, WaitOptions } from './runtime/projection-people.ts'
export { type ProjectionsOptions, type RunningProjections, startProjections } from './runtime/projections.ts'
export { type RelayOptions, startRelay } from './runtime/relay.ts'
export type { Counters, Health, ReadingOptions, Running } from './runtime/running.ts'
export {
  type RunningSagas,
  type SagaEnd,
  type SagaLoopOptions,
  type SagaService,
  type SagaServiceOptions,
  type SagaServiceParts,
  sagaService,
} from './runtime/saga-service.ts'
export { type Service, type ServiceOptions, service } from './runtime/service.ts'
export { type SettledOptions, type SettlingService, settled } from './runtime/settled.ts'
export { type FeedSource, type LogSource, type StartOptions, start } from './runtime/start.ts'
export type { Store } from './runtime/store.ts'
export { type AnswerOptions, type Asked, type Done, Refused, refuse } from './saga/answer.ts'
export { type Expectation, type Flow, type FlowOptions, flow } from './saga/flow.ts'
export { onReply } from './saga/on-reply.ts'
export {
  type AwaitedEvent,
  awaits,
  Compensate,
  compensate,
  type Saga,
  type SagaDefinition,
  type SagaOptions,
  saga,
} from './saga/saga.ts'
export type { AskOptions, Happened, StepContext, Steps, WaitForOptions, WorkOptions } from './saga/steps.ts'
export { answerWith, type SagaAnswer } from './saga/sub-saga.ts'
export type { CodedPlace, DecodedMessage, ValueCodec } from './wire/codec.ts'
