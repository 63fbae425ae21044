import { changeField, isErased, isSealed, replaceSealed } from '../message/personal.ts'
import type { OutgoingEvent } from '../message/stream-event.ts'
import type { RecordedEvent } from '../ports/event-store.ts'

/** What was sealed in an event and was opened, and what stands in clear in it anyway. */
export interface OpenedTexts {
  readonly isOpened: boolean
  /** Texts, and numbers as text. */
  readonly values: ReadonlySet<string>
  /** Names of fields in what was sealed: those of a map may be anybody's. */
  readonly names: ReadonlySet<string>
  readonly clear: ClearTexts
}

interface ClearTexts {
  /** Each text with its field. */
  readonly places: ReadonlySet<string>
  readonly values: ReadonlySet<string>
  readonly names: ReadonlySet<string>
}

/** Shorter ones would be found everywhere: those of two letters count only as a whole. */
const leastCharacters = 3

/** Walks an event as it is stored and opened side by side. */
export function openedIn(event: RecordedEvent, stored: string): OpenedTexts {
  const { id, key, time, position, streamVersion, correlationId, causationId, traceparent, headers } = event
  const around = [id, key, time, String(position), String(streamVersion), correlationId, causationId ?? '']
  const values = new Set<string>()
  const names = new Set<string>()
  const clear = {
    places: new Set<string>(),
    values: new Set([...around, traceparent ?? '', ...Object.values(headers)]),
    names: new Set<string>(),
  }
  let isOpened = false
  const walk = (before: unknown, after: unknown, path: readonly string[]): void => {
    if (isSealed(before)) {
      clear.places.add(placeOf([], before.subject))
      // What did not open hides itself, and of what was erased nothing is left.
      if (isSealed(after) || isErased(after)) return
      isOpened = true
      visit(after, [], {
        onValue(value) {
          const text = value.trim()
          if (text.length >= leastCharacters || /^\D\D$/.test(text)) values.add(text)
        },
        onName(name) {
          if (name.length >= leastCharacters) names.add(name)
        },
      })
    } else if (isNested(before)) {
      const isList = Array.isArray(before)
      for (const [name, inner] of Object.entries(before)) {
        if (!isList) clear.names.add(name)
        walk(inner, isNested(after) ? Reflect.get(after, name) : undefined, isList ? path : [...path, name])
      }
    } else {
      const text = textOf(before)
      clear.places.add(placeOf(path, text))
      clear.values.add(text)
    }
  }
  walk(JSON.parse(stored), JSON.parse(event.payload), [])
  return { isOpened, values, names, clear }
}

/**
 * Where in the clear part of a copy something is that was opened, in words that quote nothing of it; null for nowhere. What
 * stands in clear in the event may stand so in the copy.
 */
export function findsClear(opened: OpenedTexts, { type, personal }: OutgoingEvent, payload: string): string | null {
  const { clear } = opened
  const values = [...opened.values]
  const holdsValue = (text: string): boolean =>
    values.some((value) => text === value || (value.length >= leastCharacters && text.includes(value)))
  // The names that lead to personal fields are its definition's, and no person's.
  const declared = new Set([...clear.names, ...(personal?.fields ?? []).flatMap((field) => field.split('.'))])
  const names = [...opened.names].filter((name) => !declared.has(name))
  const isClearName = (name: string): boolean => !declared.has(name) && (holdsValue(name) || names.includes(name))
  const isClearValue = (text: string, path: readonly string[]): boolean => {
    if (clear.places.has(placeOf(path, text))) return false
    // The same text may stand elsewhere by chance; a longer one that has it in it, such as an id, is what it was.
    if (opened.values.has(text)) return true
    return !clear.values.has(text) && (holdsValue(text) || names.some((name) => text.includes(name)))
  }

  if (opened.values.has(type)) return 'its type'
  if (personal !== undefined && isClearValue(personal.subject, [])) return 'its subject'
  const hidden = (personal?.fields ?? []).reduce(
    (data, field) => changeField(data, field, () => null),
    replaceSealed(JSON.parse(payload), () => null).data,
  )
  let where: string | null = null
  const inWords = (path: readonly string[]): string =>
    path.length === 0 ? 'its data' : `the field ${path.map((name) => (holdsValue(name) ? '*' : name)).join('.')}`
  visit(hidden, [], {
    onValue(text, path) {
      if (isClearValue(text, path)) where ??= inWords(path)
    },
    onName(name, path) {
      if (isClearName(name)) where ??= `the name of a field of ${inWords(path)}`
    },
  })
  return where
}

interface Visitor {
  onValue(text: string, path: readonly string[]): void
  onName(name: string, path: readonly string[]): void
}

/** Texts, numbers as text, and names of fields, with the names on the way; items of a list have the list's. */
function visit(value: unknown, path: readonly string[], visitor: Visitor): void {
  if (!isNested(value)) visitor.onValue(textOf(value), path)
  else if (Array.isArray(value)) for (const item of value) visit(item, path, visitor)
  else if (!isErased(value)) {
    for (const [name, inner] of Object.entries(value)) {
      visitor.onName(name, path)
      visit(inner, [...path, name], visitor)
    }
  }
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Empty for what says nothing by itself. */
function textOf(value: unknown): string {
  return typeof value === 'number' ? String(Math.abs(value)) : typeof value === 'string' ? value : ''
}

function placeOf(path: readonly string[], text: string): string {
  return JSON.stringify([path, text])
}
