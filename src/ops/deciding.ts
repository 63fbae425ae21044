import { uuidV7 } from '../message/uuid.ts'
import type { Selection } from '../ports/dead-letters.ts'
import type { Decided, Decision } from '../ports/decision.ts'
import type { Call } from './call.ts'
import { Refusal } from './refusal.ts'

/** Who decides, as the audit keeps it. Without a request id the request is one of its own. */
export function decisionOf({ params, caller, clock, random }: Call): Decision {
  const requestId = params.text('requestId') ?? uuidV7(clock.now(), random.bytes(10))
  return { who: caller.name, reason: params.text('reason'), requestId }
}

/** The dead letters that a request means. Throws INVALID_REQUEST when it names both numbers and filters. */
export function selectionOf({ params }: Call): Selection {
  const numbers = params.numbers('numbers')
  const filters = Object.fromEntries(
    ['fingerprint', 'type', 'key', 'handler', 'before'].flatMap((name) => {
      const value = params.text(name)
      return value === null ? [] : [[name, value]]
    }),
  )
  if (numbers === null) return filters
  if (Object.keys(filters).length === 0) return { numbers }
  throw new Refusal('INVALID_REQUEST', 'Give numbers or filters, not both.')
}

/** Throws CHANGED, REUSED or NOT_FOUND unless a decision was carried out, now or before. */
export function refuseUndone({ outcome, count }: Decided, what: string): void {
  if (outcome === 'changed') {
    throw new Refusal('CHANGED', `There are ${count} ${what} now, not as many as expected. Nothing was done.`, {
      hint: 'Look at the preview again.',
    })
  }
  if (outcome === 'parked') {
    throw new Refusal('PARKED', 'Keys of this feed are parked, and history would overtake them. Nothing was done.', {
      hint: 'Redrive or discard their dead letters first, and let the queues drain.',
    })
  }
  if (outcome === 'reused') {
    throw new Refusal('REUSED', 'This request id was used for another request. Nothing was done.', {
      hint: 'Give each request an id of its own.',
    })
  }
  if (outcome === 'missing') throw new Refusal('NOT_FOUND', `There is no such thing among ${what}, or not any more.`)
}
