import { EstafetError } from '../message/errors.ts'
import { maySeal, replaceSealed } from '../message/personal.ts'
import type { OutgoingEvent } from '../message/stream-event.ts'
import type { RecordedEvent } from '../ports/event-store.ts'
import { findsClear, openedIn } from './copy-clear.ts'

/**
 * Refuses a copy in which what is sealed in its event would stand in clear, or sealed where it does not open: under another type
 * or in another field. Throws MISCONFIGURED.
 *
 * @param event with what is personal in it opened, where there is a vault
 * @param stored its payload as it is stored
 * @param payload of the copy
 */
export function refuseLeaks(event: RecordedEvent, stored: string, made: OutgoingEvent, payload: string): void {
  if (!maySeal(stored)) {
    if (maySeal(payload)) throw misplaced(made.type)
    return
  }
  const places = placesOf(event.type, event.payload)
  if ([...placesOf(made.type, payload)].some((place) => !places.has(place))) throw misplaced(made.type)
  const found = openedIn(event, stored)
  if (!found.isOpened) return
  if (made.personal === undefined || made.personal.fields.length === 0) {
    throw refused(
      made.type,
      'is made of an event in which something personal was opened, and names no personal fields of its own: make it by a definition with `personal`, or hand the event on untouched',
    )
  }
  const where = findsClear(found, made, payload)
  if (where === null) return
  throw refused(
    made.type,
    `would hold in clear, in ${where}, what is sealed in its event: name the field in \`personal\` of its type, or leave it out`,
  )
}

/** Each sealed value with where it stands. */
function placesOf(type: string, payload: string): ReadonlySet<string> {
  const places = new Set<string>()
  if (maySeal(payload)) {
    replaceSealed(JSON.parse(payload), ({ $sealed }, field) => void places.add(JSON.stringify([type, field, $sealed])))
  }
  return places
}

function misplaced(type: string): EstafetError {
  return refused(
    type,
    'holds a sealed value that opens only under the type and in the field it came from: give the copy a vault',
  )
}

function refused(type: string, why: string): EstafetError {
  return new EstafetError('MISCONFIGURED', `A copy of type ${type} ${why}.`, { details: { type } })
}
