import type { Handler } from '../delivery/handler.ts'
import { EstafetError } from '../message/errors.ts'
import type { Projector, TableNames } from './project.ts'

export interface ProjectionOptions<Tx> {
  /** Raise it with every change to tables or handlers: each version is built from the first event, in tables of its own. */
  readonly version: number
  /** Plain names of its tables: readers use them, as views. None for a read model that is elsewhere. */
  readonly tables: readonly string[]
  /** Makes the tables of one build, and nothing else. */
  readonly setUp: (tx: Tx, table: TableNames) => Promise<unknown>
  readonly handlers: readonly Projector<Tx>[]
  /** Only streams of these types, of the service's own events. (Default: all.) */
  readonly streams?: readonly string[]
  /** How much may be worked on side by side; with more than one, only events of a key keep their order. (Default: 1.) */
  readonly lanes?: number
  /** Events of one transaction, at most. (Default: 500.) */
  readonly batchSize?: number
  /** What an event does that cannot be handled: `stop` the lane before it, or `park` its key. (Default: stop.) */
  readonly whenPoison?: 'stop' | 'park'
  /** Who makes a new version serve: it does so itself, or a person. (Default: when-caught-up.) */
  readonly promote?: 'when-caught-up' | 'by-hand'
  /** What is wrong with a build that is to serve, one sentence each; asked in the transaction of the switch. (Default: nothing.) */
  readonly check?: (tx: Tx, table: TableNames) => Promise<readonly string[]>
}

/** A read model as defined; `startProjections` keeps it up to date. */
export interface Projection<Tx> extends Required<Omit<ProjectionOptions<Tx>, 'streams'>> {
  readonly name: string
  /** Null: all. */
  readonly streams: readonly string[] | null
}

const namePattern = /^[a-z][a-z0-9-]{0,62}$/
// Short enough for its suffix.
const tablePattern = /^[a-z_][a-z0-9_]{0,46}$/

/**
 * Defines a read model, `projection('order-summary', { version, tables, setUp, handlers })`. Its name is also that under
 * which its progress is kept: do not change it. Throws MISCONFIGURED, with all faults at once.
 */
export function projection<Tx>(name: string, options: ProjectionOptions<Tx>): Projection<Tx> {
  const { lanes = 1, batchSize = 500, whenPoison = 'stop', promote = 'when-caught-up', streams = null } = options
  const faults: string[] = []
  const { version, tables, handlers } = options
  if (!namePattern.test(name)) faults.push(`the name ${JSON.stringify(name)} must be 1 to 63 of a-z 0-9 -`)
  if (!isWhole(version, 1, 32_767)) faults.push(`the version ${version} must be a whole number from 1 to 32767`)
  for (const table of tables) {
    if (!tablePattern.test(table)) faults.push(`the table ${JSON.stringify(table)} must be 1 to 47 of a-z 0-9 _`)
  }
  if (new Set(tables).size < tables.length) faults.push('a table is named twice')
  if (handlers.length === 0) faults.push('it has no handlers')
  if (!isWhole(lanes, 1, 256)) faults.push(`lanes must be 1 to 256, not ${lanes}`)
  if (!isWhole(batchSize, 1, 10_000)) faults.push(`batchSize must be 1 to 10000, not ${batchSize}`)
  if (faults.length > 0) throw new EstafetError('MISCONFIGURED', `The projection is misdefined: ${faults.join('; ')}.`)
  const check = options.check ?? (() => Promise.resolve([]))
  return { ...options, name, streams, lanes, batchSize, whenPoison, promote, check }
}

/** The handlers of one build, of the service's own events or of public messages. */
export function handlersOf<Tx>(
  of: Projection<Tx>,
  table: TableNames,
  from: Projector<Tx>['from'],
): readonly Handler<Tx>[] {
  return of.handlers.filter((each) => each.from === from).map((each) => each.handlerFor(table))
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most
}
