import { changeAt, ownField } from '../message/change-at.ts'
import { EstafetError } from '../message/errors.ts'
import { replaceSealed } from '../message/personal.ts'
import { differences } from './difference.ts'

/** What stands for a field that is hidden. */
export const masked = '***'

/** Paths of fields that are hidden, such as `customer.email`; null: everything is. */
export type Mask = readonly string[] | null

/** A mask that also hides what is sealed in data: it says nothing to people. */
export function withSealed(mask: Mask, ...data: readonly unknown[]): Mask {
  if (mask === null) return null
  return [...new Set([...mask, ...data.flatMap((each) => replaceSealed(each, (value) => value).fields)])]
}

/** Data with `***` for what the mask names; in a list, of each item. */
export function maskData(data: unknown, mask: Mask): unknown {
  if (mask === null) return masked
  return mask.reduce((part: unknown, path) => maskPath(part, path.split('.')), data)
}

/**
 * What somebody who saw masked data sends back, with the hidden values in their places again. An item of a list keeps its
 * own only where it stands and looks as it did. Throws INVALID_MESSAGE when there is a `***` without a value to keep.
 */
export function unmaskData(data: unknown, original: unknown, mask: Mask): unknown {
  if (mask === null) throw allHidden()
  const kept = keepable(data, maskData(original, mask), original)
  return mask.reduce((part: unknown, path) => unmaskPath(part, kept, path.split('.'), path), data)
}

/** The original without the items of lists that what was given has changed, moved or taken away. */
function keepable(given: unknown, shown: unknown, original: unknown): unknown {
  if (Array.isArray(given) && Array.isArray(shown) && Array.isArray(original)) {
    const isKept = keptItems(given, shown)
    return original.map((item: unknown, at) => (isKept(at) ? item : undefined))
  }
  if (typeof original !== 'object' || original === null || Array.isArray(original)) return original
  return Object.fromEntries(
    Object.entries(original).map(([name, value]) => [
      name,
      keepable(ownField(given, name), ownField(shown, name), value),
    ]),
  )
}

/** By its place alone an item is not known: with one before it deleted, it would get the hidden value of another. */
function keptItems(given: readonly unknown[], shown: readonly unknown[]): (at: number) => boolean {
  const looks = shown.map((item) => JSON.stringify(item))
  const lastOf = new Map(looks.map((look, at) => [look, at]))
  const twins = new Set(looks.filter((look, at) => lastOf.get(look) !== at))
  return (at) => {
    // Of two that look alike nobody can say which one was deleted.
    const isKnown = given.length === shown.length || !twins.has(looks[at] ?? '')
    return isKnown && differences(shown[at], given[at]).length === 0
  }
}

function maskPath(data: unknown, path: readonly string[]): unknown {
  return changeAt(data, undefined, path, () => masked)
}

function unmaskPath(data: unknown, original: unknown, path: readonly string[], whole: string): unknown {
  return changeAt(data, original, path, (value, kept) => {
    if (value !== masked) return value
    if (kept === undefined) throw nothingToKeep(whole)
    return kept
  })
}

function allHidden(): EstafetError {
  return new EstafetError(
    'INVALID_MESSAGE',
    'What to hide of this event is not known, so all of it is: an administrator may edit it, or name it in `events`.',
    { details: { fields: ['(root)'] } },
  )
}

function nothingToKeep(field: string): EstafetError {
  return new EstafetError('INVALID_MESSAGE', `The hidden field ${field} has no value to keep; write one.`, {
    details: { fields: [field] },
  })
}
