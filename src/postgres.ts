import {
  type Handler,
  type HandlerContext,
  type HandlerOptions,
  on as onAny,
  onMany as onManyAny,
} from './delivery/handler.ts'
import { postgresEventStore } from './drivers/postgres/event-store.ts'
import { postgresTopicFeed } from './drivers/postgres/feed.ts'
import { postgresFlows } from './drivers/postgres/flows.ts'
import { postgresInbox } from './drivers/postgres/inbox.ts'
import { postgresLaneStore } from './drivers/postgres/lane-store.ts'
import { postgresLog as log } from './drivers/postgres/log.ts'
import { postgresOperations } from './drivers/postgres/operations.ts'
import { postgresOutbox } from './drivers/postgres/outbox.ts'
import { postgresParking } from './drivers/postgres/parking.ts'
import { postgresInlineBuilds, postgresProjectionSnapshots } from './drivers/postgres/projection-folds.ts'
import { postgresProjections } from './drivers/postgres/projections.ts'
import { postgresRetries } from './drivers/postgres/retries.ts'
import { postgresSagaSearch } from './drivers/postgres/saga-search.ts'
import { postgresSagas } from './drivers/postgres/sagas.ts'
import { postgresSink as sink } from './drivers/postgres/sink.ts'
import { postgresSnapshots } from './drivers/postgres/snapshots.ts'
import type { Sql, SqlPool } from './drivers/postgres/sql.ts'
import { postgresStepFence } from './drivers/postgres/step-fence.ts'
import { postgresStreamIndex } from './drivers/postgres/stream-index.ts'
import { holdSubjects } from './drivers/postgres/subject-lock.ts'
import { postgresUnitOfWork } from './drivers/postgres/unit-of-work.ts'
import { type ListeningPool, postgresAnnouncer, postgresWakeUp } from './drivers/postgres/wake-up.ts'
import type { CopyParts } from './event-sourcing/copy-tail.ts'
import { type Streams, streams } from './event-sourcing/streams.ts'
import type { CommandType } from './message/command.ts'
import type { EventType } from './message/event.ts'
import type { OutgoingMessage, ReceivedMessage } from './message/message.ts'
import type { SchemaInput, StandardSchema } from './message/standard-schema.ts'
import type { StreamEventType } from './message/stream-event.ts'
import { uuidV7 } from './message/uuid.ts'
import { type MessageLimits, prepareEvents, refuseTooLarge } from './outbox/prepare.ts'
import { type Publish, preparer, publisher } from './outbox/publisher.ts'
import type { EventStore } from './ports/event-store.ts'
import type { Logger } from './ports/logger.ts'
import type { Operations } from './ports/operations.ts'
import type { Sink } from './ports/sink.ts'
import type { HoldingVault, Vault } from './ports/vault.ts'
import type { Announcer } from './ports/wake-up.ts'
import { inlineEvents } from './projection/inline.ts'
import {
  type ProjectionContext,
  type ProjectOptions,
  type Projector,
  project as projectAny,
  projectMany as projectManyAny,
} from './projection/project.ts'
import type { Projection } from './projection/projection.ts'
import { logger } from './runtime/logger.ts'
import { type Projections, projectionsOf } from './runtime/projection-people.ts'
import { type SagaService, type SagaServiceOptions, sagaService } from './runtime/saga-service.ts'
import type { FeedSource, LogSource } from './runtime/start.ts'
import type { Store } from './runtime/store.ts'
import { systemClock, systemRandom } from './runtime/world.ts'
import { type AnswerOptions, type Asked, answer as answerAny, type Refused } from './saga/answer.ts'
import type { Flow } from './saga/flow.ts'
import { follow as followAny } from './saga/follow.ts'
import { type Compensate, type Saga, type SagaOptions, saga as sagaAny } from './saga/saga.ts'

export { postgresFlowSearch as flowSearch } from './drivers/postgres/flow-search.ts'
export { postgresHoldSearch as holdSearch } from './drivers/postgres/hold-search.ts'
export { checkMigrations, type MigrationOptions, type MigrationResult, migrate } from './drivers/postgres/migrate.ts'
export { postgresReservations as reservations } from './drivers/postgres/reservations.ts'
export { postgresSemanticLocks as semanticLocks } from './drivers/postgres/semantic-locks.ts'
export type { Sql, SqlClient, SqlPool, SqlResult } from './drivers/postgres/sql.ts'
export { postgresVault, type VaultOptions, type VaultSecret } from './drivers/postgres/vault.ts'

const world = { clock: systemClock, random: systemRandom }

/**
 * Publishes with your transaction: `tx` is a client on which you sent BEGIN. The messages exist if and only if you COMMIT.
 *
 * Several at once take one round trip. Throws UNENCODABLE, TOO_LARGE or NOT_IN_TRANSACTION, and nothing is written.
 */
export const publish: Publish<Sql> = publisher({ outbox: postgresOutbox(), ...world })

/** `on` for handlers whose transaction is PostgreSQL's. */
export const on: <Data>(
  event: EventType<never, Data>,
  handle: (event: ReceivedMessage<Data>, context: HandlerContext<Sql>) => Promise<void>,
  options?: HandlerOptions,
) => Handler<Sql> = onAny

/** `onMany` for handlers whose transaction is PostgreSQL's. */
export const onMany: <Data>(
  event: EventType<never, Data>,
  handle: (events: readonly ReceivedMessage<Data>[], context: HandlerContext<Sql>) => Promise<void>,
  options?: HandlerOptions,
) => Handler<Sql> = onManyAny

/** `project` for read models in PostgreSQL. */
export const project: <Data>(
  event: StreamEventType<never, Data> | EventType<never, Data>,
  handle: (event: ReceivedMessage<Data>, context: ProjectionContext<Sql>) => Promise<unknown>,
  options?: ProjectOptions,
) => Projector<Sql> = projectAny

/** `projectMany` for read models in PostgreSQL. */
export const projectMany: <Data>(
  event: StreamEventType<never, Data> | EventType<never, Data>,
  handle: (events: readonly ReceivedMessage<Data>[], context: ProjectionContext<Sql>) => Promise<unknown>,
  options?: ProjectOptions,
) => Projector<Sql> = projectManyAny

/** `answer` for handlers whose transaction is PostgreSQL's: the fence is in the service's own database. */
export function answer<Input, Data, ReplyInput, Result, Refusal extends string>(
  command: CommandType<Input, Data, ReplyInput, Result, Refusal>,
  handle: (asked: Asked<Data>, context: HandlerContext<Sql>) => Promise<ReplyInput | Refused<Refusal>>,
  options: AnswerOptions<Sql, Data, Result> = {},
): readonly Handler<Sql>[] {
  return answerAny(postgresStepFence(), command, handle, options)
}

/** `follow` for flows whose rows are in PostgreSQL. */
export function follow(flow: Flow, options: HandlerOptions = {}): readonly Handler<Sql>[] {
  return followAny(postgresFlows(), flow, options)
}

/** `saga` for sagas whose own work is in PostgreSQL. */
export const saga: <Schema extends StandardSchema, Result>(
  type: string,
  options: SagaOptions<Sql, Schema, Result>,
) => Saga<Sql, SchemaInput<Schema>, Exclude<Result, Compensate>> = sagaAny

export interface PostgresOptions {
  readonly limits?: MessageLimits
  /**
   * After how long the server ends a transaction of ours that sends nothing: how long a frozen process can keep others
   * from its rows. About as long as a lease. (Default: 10 s.)
   */
  readonly idleInTransactionMs?: number
  /**
   * Seals personal fields, and opens them for handlers; `withoutKeys` for a service that needs none of them. (Default: none:
   * messages with personal fields cannot be published, and are UNDECODABLE.)
   */
  readonly vault?: Vault
}

/** A service's own PostgreSQL database. */
export interface PostgresStore extends Store<Sql> {
  readonly operations: Operations<Sql>
  /**
   * Runs work in a transaction: commits when it resolves, rolls back when it rejects.
   *
   * What the work gives to `publish` is encoded when the work resolves (throws as `publish` does) and written together
   * with COMMIT: the fastest way to publish, because a key is then locked for no longer than the commit takes.
   */
  transaction<Result>(
    work: (tx: Sql, publish: (...messages: readonly OutgoingMessage[]) => void) => Promise<Result>,
  ): Promise<Result>
  readonly publish: Publish<Sql>
}

/**
 * A service's own database, from a pool of its clients (`pg.Pool`). Its role is a member of the database's `publisher` and
 * `subscriber` roles; `migrate` made them. The pool should hold a client for each lane and a few more.
 */
export function postgres(pool: SqlPool, options: PostgresOptions = {}): PostgresStore {
  const announcers = new Set<Announcer>()
  const committed = (): void => {
    for (const announcer of announcers) announcer.announce()
  }
  const unitOfWork = postgresUnitOfWork(pool, { ...options, committed })
  const vault = holding(options.vault)
  const limits = options.limits === undefined ? {} : { limits: options.limits }
  const publishing = { outbox: postgresOutbox(), ...world, ...limits, vault }
  const prepare = preparer(publishing)
  return {
    prepare,
    vault,
    unitOfWork,
    lanes: postgresLaneStore(pool),
    parking: postgresParking(pool),
    retries: postgresRetries(pool),
    inbox: postgresInbox(pool),
    operations: postgresOperations(pool),
    publish: publisher(publishing),
    transaction(work) {
      let write: (tx: Sql) => Promise<unknown> = () => Promise.resolve()
      return unitOfWork.run(
        async (tx) => {
          const outgoing: OutgoingMessage[] = []
          const result = await work(tx, (...messages) => void outgoing.push(...messages))
          // One statement for all of them: so its key locks have one order for everybody.
          write = await prepare(outgoing)
          return result
        },
        (tx) => write(tx),
      )
    },
    announcer() {
      const announcer = postgresAnnouncer(pool)
      announcers.add(announcer)
      return {
        announce: () => announcer.announce(),
        close() {
          announcers.delete(announcer)
          return announcer.close()
        },
      }
    },
  }
}

function holding(vault: Vault | undefined): HoldingVault<Sql> | null {
  return vault === undefined ? null : { ...vault, hold: holdSubjects }
}

/**
 * The sagas of a service, in its own database: the pool is that of its store. Its role is a member of the `publisher` and
 * `subscriber` roles.
 */
export function sagas(
  pool: SqlPool,
  options: SagaServiceOptions<Sql> & { readonly store?: Pick<Store<Sql>, 'unitOfWork' | 'prepare'> },
): SagaService<Sql> {
  return sagaService(
    {
      store: options.store ?? postgres(pool),
      ...{ sagas: postgresSagas(), search: postgresSagaSearch(pool), fence: postgresStepFence(), clock: systemClock },
    },
    options,
  )
}

export interface PostgresStreamsOptions {
  /** The service's name: the source of its events. */
  readonly service: string
  /**
   * The service's store, on the same database: what is published with events is announced as its other messages are, and
   * its vault seals personal fields. (Default: one of its own, without a vault.)
   */
  readonly store?: PostgresStore
  readonly limits?: MessageLimits
  readonly logger?: Logger
  /** The share of loads with a snapshot that fold all events as well, and compare. (Default: 0.01.) */
  readonly verifyShare?: number
  /** Read models whose rows are written with each append, in its transaction; `install` made them. (Default: none.) */
  readonly inline?: readonly Projection<Sql>[]
}

/** Event-sourced things in a service's own PostgreSQL database. */
export interface PostgresStreams extends Streams<Sql> {
  readonly events: EventStore<Sql>
  /** All events in the order of their commits, for the service's own projections. */
  readonly log: LogSource
  /** What `copyStreams` and `verifyCopies` take: with the vault and the inline read models of these streams. */
  readonly copying: CopyParts<Sql>
}

/**
 * Streams of events in a service's own database, from a pool of its clients. Its role is a member of the database's
 * `publisher` role: events can be appended and read, and never changed.
 */
export function postgresStreams(pool: SqlPool & ListeningPool, options: PostgresStreamsOptions): PostgresStreams {
  const { service, verifyShare = 0.01, limits, inline = [] } = options
  const store = options.store ?? postgres(pool, limits === undefined ? {} : { limits })
  const vault = store.vault ?? null
  const said = options.logger ?? logger({ service })
  const plain = postgresEventStore(pool, { source: service })
  const hasInline = inline.length > 0
  const builds = postgresInlineBuilds()
  const events = hasInline
    ? inlineEvents({ events: plain, builds, vault, clock: systemClock, logger: said }, inline)
    : plain
  const all = streams<Sql>({
    ...{ events, snapshots: postgresSnapshots(pool), unitOfWork: store.unitOfWork, prepare: store.prepare },
    ...{ random: systemRandom, logger: said, verifyShare, hasInline, vault },
    encode: (outgoing) => prepareEvents(outgoing, world, limits),
    refuseTooLarge: (encoded) => refuseTooLarge(encoded, limits),
  })
  const own = { log: log(pool, { source: service, of: 'events' }), wakeUp: () => postgresWakeUp(pool) }
  const copying: CopyParts<Sql> = {
    ...{ events, unitOfWork: store.unitOfWork, vault },
    index: postgresStreamIndex(pool, { source: service }),
    newId: () => uuidV7(systemClock.now(), systemRandom.bytes(10)),
  }
  return { ...all, events, log: own, copying }
}

/**
 * The read models of a service's own database, from a pool of its clients. Its role is a member of the `subscriber` role and may
 * create tables and views in its schema.
 */
export function projections(pool: SqlPool, options: { readonly vault?: Vault } = {}): Projections<Sql> {
  const all = postgresProjections(pool)
  return projectionsOf({
    ...{ builds: all, control: all, positions: all, unitOfWork: postgresUnitOfWork(pool), clock: systemClock },
    vault: holding(options.vault),
    ...{
      inline: postgresInlineBuilds(),
      snapshots: postgresProjectionSnapshots(),
      logger: logger({ service: 'projections' }),
    },
    // Of which service they are is not asked for here: nothing is compared by it.
    eventsIn: (tx) => log(tx, { source: '', of: 'events' }),
  })
}

/**
 * Another service's log, to subscribe to directly: PostgreSQL as the broker, nothing copied. The pool's role is a member
 * of that database's `reader` role; one of its clients is kept for LISTEN.
 */
export function postgresLog(pool: SqlPool & ListeningPool, options: { readonly source: string }): LogSource {
  return { log: log(pool, options), wakeUp: () => postgresWakeUp(pool) }
}

/** A topic of a PostgreSQL broker, to subscribe to. The pool's role is a member of the broker's `reader` role. */
export function postgresTopic(pool: SqlPool & ListeningPool, topic: string): FeedSource {
  return { feed: postgresTopicFeed(pool, topic), wakeUp: () => postgresWakeUp(pool) }
}

/** A PostgreSQL database as the broker that a relay sends to. The pool's role is a member of its `relay` role. */
export function postgresSink(pool: SqlPool, options: { readonly name: string; readonly partitions?: number }): Sink {
  return sink(pool, postgresUnitOfWork(pool), options)
}
