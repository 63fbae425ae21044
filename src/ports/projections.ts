import type { Decision } from './decision.ts'

/** One build of a projection: a version, and which try at it, from 1. */
export interface BuildRef {
  readonly version: number
  readonly build: number
}

/** What a program says of a version of a projection. */
export interface BuildPlan {
  readonly projection: string
  readonly version: number
  /** Plain names. */
  readonly tables: readonly string[]
  readonly lanes: number
  /** Types of the own streams that it reads; null for all. */
  readonly streams: readonly string[] | null
  /** Name of the feed of the service's own events; null when it reads none. */
  readonly eventsFeed: string | null
}

/**
 * `wanted`: to be set up by a process that has this version. `building`: folds events beside what serves. `serving`: shown
 * under the plain names. `kept`: served once, and is the way back.
 */
export type BuildState = 'wanted' | 'building' | 'serving' | 'kept'

export interface BuildRecord extends BuildRef {
  readonly projection: string
  readonly state: BuildState
  /** True when its rows are written in the transactions of the appends. */
  readonly isInline: boolean
  readonly tables: readonly string[]
  readonly feeds: readonly FeedProgress[]
  readonly stops: readonly Stop[]
  /** Messages in the queues of its parked keys. */
  readonly parkedMessages: number
  /** Why it was not made to serve, when its check found something; null when there is nothing. */
  readonly refused: string | null
  readonly isPaused: boolean
}

export interface FeedProgress {
  readonly feed: string
  /** True for the service's own events. */
  readonly isOwn: boolean
  /** The lowest cursor of its lanes. */
  readonly position: bigint
  /** Positions until the end, 0 once all is folded; null while nobody knows. */
  readonly left: bigint | null
  /** How many events were folded in a second, of late; null while nobody knows. */
  readonly perSecond: number | null
}

/** Where a lane stands still, and why. */
export interface Stop {
  readonly feed: string
  readonly lane: number
  /** Of the message that cannot be handled: everything before it is folded. */
  readonly position: bigint
  readonly messageId: string
  readonly type: string
  readonly errorName: string
  /** Fit to be shown; see errorFacts. */
  readonly errorMessage: string
  readonly tries: number
  /** ISO 8601 in UTC. */
  readonly since: string
}

/** What processes write down about the builds that they work on, in the database of the read model. */
export interface ProjectionBuilds<Tx> {
  /**
   * Makes a first build of this version wanted when there is none. Throws MISCONFIGURED when the version is there with other
   * tables, lanes or streams, or in the transactions of the appends.
   */
  announce(plan: BuildPlan): Promise<void>

  /** Builds of a projection, oldest first. */
  of(projection: string): Promise<readonly BuildRecord[]>

  /**
   * Takes a wanted build as part of `tx`, sets it up and lets it build, or serve when nothing does. False, and nothing is done,
   * when it is not wanted any more.
   */
  begin(tx: Tx, projection: string, of: BuildRef, setUp: () => Promise<unknown>): Promise<boolean>

  /**
   * Shows a build under the plain names as part of `tx`, and keeps the one that did. Holds the old one still, for some tenths of a
   * second, until the new one has all that it has; unless `force`. Throws CONFLICT when a reader is in the way, MISCONFIGURED
   * when something stands under a plain name that is not ours, or depends on it.
   */
  promote(tx: Tx, projection: string, of: BuildRef, by: Promotion): Promise<PromotionOutcome>
}

export interface Promotion extends Pick<Decision, 'who' | 'reason'> {
  /** Also when it is behind, stopped or has parked keys: for the way back. */
  readonly force: boolean
}

export type PromotionOutcome = 'done' | 'serving' | 'missing' | 'behind' | 'stopped' | 'parked'

/** What processes tell about their work, for people; correctness never rests on it. */
export interface ProjectionReports {
  stopped(projection: string, of: BuildRef, stop: Omit<Stop, 'tries' | 'since'>): Promise<void>
  /** The lane goes on. */
  moved(projection: string, of: BuildRef, lane: Pick<Stop, 'feed' | 'lane'>): Promise<void>
  /** Where a feed ends, by lane, and how fast it goes. */
  progress(projection: string, of: BuildRef, seen: FeedReport): Promise<void>
  /** Why a build was not made to serve. */
  refused(projection: string, of: BuildRef, because: string): Promise<void>
}

export interface FeedReport {
  readonly feed: string
  readonly epoch: string
  readonly ends: readonly bigint[] | null
  readonly perSecond: number | null
}

/** Projections, as people look at them and steer them. Each change is a row of the audit. */
export interface ProjectionControl {
  list(): Promise<readonly BuildRecord[]>
  /** Pauses all builds of a projection or lets them go on. False when it was so already. */
  pause(projection: string, isPaused: boolean, by: Pick<Decision, 'who' | 'reason'>): Promise<boolean>
  /** Wants another build of the version that serves. Null when nothing serves, or one is being built. */
  rebuild(projection: string, by: Pick<Decision, 'who' | 'reason'>): Promise<BuildRef | null>
  /** Removes a build with its tables and progress. False when there is none, or it serves. */
  drop(projection: string, of: BuildRef, by: Pick<Decision, 'who' | 'reason'>): Promise<boolean>
}

/** What is asked about positions of the service's own events. */
export interface ProjectionPositions {
  /** Whether the build that serves has folded everything committed up to a position. Throws MISCONFIGURED when none reads them. */
  hasPassed(projection: string, position: bigint): Promise<boolean>
}

/** Read models whose rows are written in the transactions of the appends. */
export interface InlineBuilds<Tx> {
  /** Those that serve, as `tx` sees them, which has appended before: then none can be installed until it has ended. */
  serving(tx: Tx): Promise<readonly (BuildRef & { readonly projection: string })[]>

  /**
   * Keeps all appends waiting, lets `fill` set up the tables and fold everything up to the last position, and shows them, as part of
   * `tx`. False, and `fill` is not called, when this version serves. Throws MISCONFIGURED when a newer one serves, or this
   * one was built otherwise.
   */
  install(tx: Tx, plan: BuildPlan, fill: (head: bigint) => Promise<unknown>): Promise<boolean>
}

/** A build at one moment, to be compared with what its events make. */
export interface ProjectionSnapshots<Tx> {
  /** Makes `tx`, which has done nothing yet, see one moment; and tells where the last build of a version was then. Null when there is none. */
  take(tx: Tx, projection: string, version: number): Promise<ProjectionSnapshot | null>

  /** Compares tables that end in one suffix with those that end in another, row by row. */
  compare(tx: Tx, tables: readonly string[], suffix: string, other: string): Promise<readonly TableDifference[]>
}

export interface ProjectionSnapshot extends BuildRef {
  /** By lane, in the own events. */
  readonly cursors: readonly bigint[]
  readonly parkedMessages: number
}

export interface TableDifference {
  readonly table: string
  readonly rows: number
  /** Rows that it should have and has not. */
  readonly missing: number
  /** Rows that it has and should not. */
  readonly unexpected: number
}
