import { EstafetError } from '../message/errors.ts'
import { changeField, erased, isErased, maySeal, type Personal } from '../message/personal.ts'
import type { SealRequest, Vault } from '../ports/vault.ts'
import { placeOf } from './place.ts'

/** An encoded message or event, as far as sealing goes. */
export interface Sealable {
  readonly type: string
  /** JSON text. */
  readonly payload: string
}

/** What in a message is personal; null for nothing. */
export type PersonalParts = readonly (Personal | null)[]

/**
 * Messages with their personal fields sealed, in the order given; those without any are as they were.
 *
 * Throws MISCONFIGURED without a vault, UNAVAILABLE when its keys cannot be reached, and UNENCODABLE for data that looks
 * sealed already.
 */
export async function sealed<Message extends Sealable>(
  vault: Vault | null,
  messages: readonly Message[],
  personal: PersonalParts,
): Promise<readonly Message[]> {
  const parsed = messages.map(({ payload }, at): unknown => (personal[at] == null ? null : JSON.parse(payload)))
  const visit = (onValue: (value: unknown, of: Personal, type: string, field: string) => unknown) =>
    messages.map(({ type }, at) => {
      const of = personal[at]
      return of?.fields.reduce(
        (part, field) =>
          changeField(part, field, (value) =>
            // There is nothing in them to hide.
            value === null || isErased(value) ? value : onValue(value, of, type, field),
          ),
        parsed[at],
      )
    })

  const wanted: SealRequest[] = []
  visit((value, { subject }, type, field) => {
    wanted.push({ subject, place: placeOf(type, field), text: JSON.stringify(value) })
    return value
  })
  if (wanted.length === 0) return messages
  if (vault === null) throw withoutVault(messages, personal)
  const done = await vault.seal(wanted)
  let next = 0
  const changed = visit((_, { subject }) => {
    const text = done[next++]
    return text == null ? erased : { $sealed: text, subject }
  })
  return messages.map((message, at) =>
    personal[at] == null ? message : { ...message, payload: JSON.stringify(changed[at]) },
  )
}

/** Refuses data that has what only a sealed value has: readers would take it for one. */
export function refuseSealed({ type, payload }: Sealable): void {
  if (!maySeal(payload)) return
  throw new EstafetError('UNENCODABLE', `${type} cannot be encoded: a field named $sealed is refused.`, {
    details: { type },
  })
}

function withoutVault(messages: readonly Sealable[], personal: PersonalParts): EstafetError {
  const type = messages.find((_, at) => personal[at] != null)?.type ?? ''
  return new EstafetError(
    'MISCONFIGURED',
    `${type} has personal fields, and there is no vault to seal them with: give the store one, postgres(pool, { vault }).`,
    { details: { type } },
  )
}
