import { createHash } from 'node:crypto'
import { canonical } from '../event-sourcing/canonical.ts'
import { type Change, differences, valueAt } from '../event-sourcing/time-travel.ts'
import { type Mask, maskData, replaceMasked } from './mask.ts'

/** What somebody may see of the states of one stream. */
export interface StateView {
  readonly masked: readonly string[]
  /** A state as JSON has it, with `***` for what is hidden. */
  shown(state: unknown): unknown
  /** What differs between two states; of a hidden value only that it does, and nothing of what is in it. */
  differences(before: unknown, after: unknown): readonly Change[]
  /** How a value changed; null when it did not. What is asked for within a hidden value is told of that value as a whole. */
  changeAt(path: string, before: unknown, after: unknown): Change | null
}

/** The salt begins what stands for a hidden value while states are compared: no value of a state may begin with it. */
export function stateView(mask: Mask, salt: string): StateView {
  const markOf = (value: unknown): string => salt + createHash('sha256').update(canonical({ value })).digest('base64')
  /** Equal hidden values get one mark, others another: so they are compared without being looked into. */
  const marked = (state: unknown): unknown => replaceMasked(plain(state), mask, markOf)
  const isMark = (value: unknown): boolean => typeof value === 'string' && value.startsWith(salt)
  const shown = (state: unknown): unknown => maskData(plain(state), mask)

  function placeOf(state: unknown, path: string): string {
    const names = path.split('/')
    const hidden = names.findIndex((_, at) => isMark(valueAt(state, names.slice(0, at + 1).join('/'))))
    return hidden < 0 ? path : names.slice(0, hidden + 1).join('/')
  }

  return {
    masked: mask === null ? ['(all)'] : mask,
    shown,
    differences(before, after) {
      const [old, now] = [shown(before), shown(after)]
      return differences(marked(before), marked(after)).map(({ path }) =>
        changeOf(path, valueAt(old, path), valueAt(now, path)),
      )
    },
    changeAt(path, before, after) {
      // A decider that is pure leaves what it does not change as it is: most of a long stream is passed over here.
      const [, first] = path.split('/')
      const top = first === undefined || mask === null ? '' : `/${first}`
      if (Object.is(valueAt(before, top), valueAt(after, top))) return null
      if (mask?.length === 0) return changed(path, plain(valueAt(before, path)), plain(valueAt(after, path)))
      const [old, now] = [marked(before), marked(after)]
      const place = [placeOf(old, path), placeOf(now, path)].reduce((a, b) => (a.length < b.length ? a : b))
      const found = changed(place, valueAt(old, place), valueAt(now, place))
      return found === null ? null : changeOf(place, valueAt(shown(before), place), valueAt(shown(after), place))
    },
  }
}

/** What JSON makes of a state: what is hidden and compared is what would be shown. */
function plain(state: unknown): unknown {
  const text: string | undefined = JSON.stringify(state, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
  return text === undefined ? undefined : JSON.parse(text)
}

function changed(path: string, before: unknown, after: unknown): Change | null {
  return canonical({ value: before }) === canonical({ value: after }) ? null : changeOf(path, before, after)
}

function changeOf(path: string, before: unknown, after: unknown): Change {
  return { path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
}
