import type { OnDeadLetter } from '../delivery/dead-letter-notice.ts'
import type { Handler } from '../delivery/handler.ts'
import { EstafetError } from '../message/errors.ts'
import type { EventType } from '../message/event.ts'

export interface ServiceOptions<Tx> {
  /** Events that this service publishes. Documentation, and later its contract. */
  readonly publishes?: readonly EventType<never, unknown>[]
  readonly handlers?: readonly Handler<Tx>[]
  /**
   * Into how many lanes the keys are spread: what can be worked on side by side, by this process and others. Cannot be
   * changed while messages are unread. (Default: 4.)
   */
  readonly lanes?: number
  /** Messages of one transaction, at most. (Default: 500.) */
  readonly batchSize?: number
  /** What to publish when a message becomes a dead letter, in the same transaction. (Default: nothing.) */
  readonly onDeadLetter?: OnDeadLetter
}

/** A service as defined; `start` runs it. */
export interface Service<Tx> {
  /** Also the name of its subscription, under which its progress is kept: do not change it. */
  readonly name: string
  readonly publishes: readonly EventType<never, unknown>[]
  readonly handlers: readonly Handler<Tx>[]
  readonly lanes: number
  readonly batchSize: number
  /** Null: nothing is published. */
  readonly onDeadLetter: OnDeadLetter | null
}

/** Defines a service. Throws MISCONFIGURED, with all faults at once. */
export function service<Tx>(name: string, options: ServiceOptions<Tx>): Service<Tx> {
  const { publishes = [], handlers = [], lanes = 4, batchSize = 500, onDeadLetter = null } = options
  const faults: string[] = []
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) faults.push(`the name ${JSON.stringify(name)} must be 1 to 63 of a-z 0-9 -`)
  if (!Number.isInteger(lanes) || lanes < 1 || lanes > 256) faults.push(`lanes must be 1 to 256, not ${lanes}`)
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 10_000) {
    faults.push(`batchSize must be 1 to 10000, not ${batchSize}`)
  }
  if (faults.length > 0) throw new EstafetError('MISCONFIGURED', `The service is misdefined: ${faults.join('; ')}.`)
  return { name, publishes, handlers, lanes, batchSize, onDeadLetter }
}
