import { type Change, differences, valueAt } from '../event-sourcing/time-travel.ts'
import { isErased } from '../message/personal.ts'
import { type Mask, maskData, masked } from './mask.ts'

/** What somebody may see of the states of a stream. */
export interface StateView {
  /** Fields that are hidden; `(all)` when everything is. */
  readonly masked: readonly string[]
  /** A state as JSON has it, with `***` for what is hidden. */
  shown(state: unknown): unknown
  /** What differs between two states; of a hidden value only that it does, and nothing of what is in it. */
  differences(before: unknown, after: unknown): readonly Change[]
  /**
   * Where a value changed: at its path, or, when it is within a hidden one, at the path of that one, which is then asked
   * for as a whole. Null when nothing did.
   */
  changedPlace(path: string, before: unknown, after: unknown): string | null
  /** What stands at a path in two states. */
  changeAt(path: string, before: unknown, after: unknown): Change
}

export function stateView(mask: Mask): StateView {
  const shown = (state: unknown): unknown => maskData(plain(state), mask)
  const fields = mask?.map((field) => field.split('.')) ?? [[]]

  /** The names of what is in a hidden value may be as secret as itself: they are told of neither state. */
  function placeOf(path: string, before: unknown, after: unknown): string {
    const [old, now] = [hiddenPlace(fields, before, path), hiddenPlace(fields, after, path)]
    return old.length < now.length ? old : now
  }

  function changesAt(paths: Iterable<string>, before: unknown, after: unknown): readonly Change[] {
    const [old, now] = [shown(before), shown(after)]
    return [...paths].map((path) => changeOf(path, valueAt(old, path), valueAt(now, path)))
  }

  return {
    masked: mask === null ? ['(all)'] : mask,
    shown,
    differences(before, after) {
      const [old, now] = [plain(before), plain(after)]
      return changesAt(new Set(differences(old, now).map(({ path }) => placeOf(path, old, now))), old, now)
    },
    changedPlace(path, before, after) {
      const place = placeOf(path, before, after)
      return differs(valueAt(before, place), valueAt(after, place)) ? place : null
    },
    changeAt(path, before, after) {
      const [change = { path }] = changesAt([path], before, after)
      return change
    },
  }
}

/** The path, or the beginning of it at which the state holds a hidden value. Fields are found as `maskData` finds them. */
function hiddenPlace(fields: readonly (readonly string[])[], state: unknown, path: string): string {
  const isHidden = (left: readonly (readonly string[])[]): boolean => left.some((field) => field.length === 0)
  if (isHidden(fields)) return ''
  const names = path.split('/').slice(1)
  let [left, value] = [fields, state]
  for (const [at, raw] of names.entries()) {
    // Items of a list have the fields of the list.
    if (!Array.isArray(value)) {
      const name = raw.replaceAll('~1', '/').replaceAll('~0', '~')
      left = left.filter(([first]) => first === name).map((field) => field.slice(1))
    }
    value = valueAt(value, `/${raw}`)
    if (value === undefined || left.length === 0) return path
    if (isHidden(left)) return `/${names.slice(0, at + 1).join('/')}`
  }
  return path
}

/** True when `differences` finds one; asked of each event of a long stream, it stops at the first. */
function differs(before: unknown, after: unknown): boolean {
  // A decider that is pure leaves what it does not change as it is.
  if (Object.is(before, after)) return false
  if (typeof before !== 'object' || before === null || typeof after !== 'object' || after === null) return true
  if (Array.isArray(before) !== Array.isArray(after)) return true
  const isOther = (name: string): boolean => differs(own(before, name), own(after, name))
  return (
    Object.keys(after).some(isOther) || Object.keys(before).some((name) => !Object.hasOwn(after, name) && isOther(name))
  )
}

function own(of: object, name: string): unknown {
  if (!Object.hasOwn(of, name)) return undefined
  const value: unknown = Reflect.get(of, name)
  return value
}

/** What JSON makes of a state: what is hidden and compared is what would be shown. What is personal is not. */
function plain(state: unknown): unknown {
  const text: string | undefined = JSON.stringify(state, (_, value: unknown) => {
    if (isErased(value)) return masked
    return typeof value === 'bigint' ? value.toString() : value
  })
  return text === undefined ? undefined : JSON.parse(text)
}

function changeOf(path: string, before: unknown, after: unknown): Change {
  return { path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
}
