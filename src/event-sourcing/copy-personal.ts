import { EstafetError } from '../message/errors.ts'
import { changeField, isSealed, maySeal, replaceSealed } from '../message/personal.ts'
import type { OutgoingEvent } from '../message/stream-event.ts'

/** An event as it is stored, and with what opens in it opened. */
export interface OpenedEvent {
  readonly type: string
  readonly stored: string
  readonly clear: string
}

/**
 * Refuses a copy in which what is sealed in its event would stand in clear, or sealed where it does not open: under another type
 * or in another field. Throws MISCONFIGURED.
 */
export function refuseLeaks(event: OpenedEvent, made: OutgoingEvent, payload: string): void {
  if (!maySeal(event.stored)) {
    if (maySeal(payload)) throw misplaced(made.type)
    return
  }
  const places = placesOf(event.type, event.clear)
  if ([...placesOf(made.type, payload)].some((place) => !places.has(place))) throw misplaced(made.type)
  const { fields } = replaceSealed(JSON.parse(event.stored), () => null)
  const secrets = new Set<string>()
  for (const field of fields) {
    changeField(JSON.parse(event.clear), field, (value) => {
      // What did not open hides itself.
      if (!isSealed(value)) for (const text of textsIn(value)) secrets.add(text)
      return value
    })
  }
  const others = (made.personal?.fields ?? []).reduce(
    (data, field) => changeField(data, field, () => null),
    replaceSealed(JSON.parse(payload), () => null).data,
  )
  if (textsIn(others).some((text) => secrets.has(text))) {
    throw new EstafetError(
      'MISCONFIGURED',
      `A copy of type ${made.type} would hold in clear what is sealed in its event: name the field in \`personal\` of its type.`,
      { details: { type: made.type } },
    )
  }
}

/** Each sealed value with where it stands. */
function placesOf(type: string, payload: string): ReadonlySet<string> {
  const places = new Set<string>()
  if (maySeal(payload)) {
    replaceSealed(JSON.parse(payload), ({ $sealed }, field) => void places.add(JSON.stringify([type, field, $sealed])))
  }
  return places
}

/** The texts in a value, but for those that are too short to be anybody's. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.length > 1 ? [value] : []
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

function misplaced(type: string): EstafetError {
  return new EstafetError(
    'MISCONFIGURED',
    `A copy of type ${type} holds a sealed value that opens only under the type and in the field it came from: give the copy a vault.`,
    { details: { type } },
  )
}
