import { maxDepth } from '../message/json.ts'
import { erased, marked, maySeal, replaceSealed } from '../message/personal.ts'
import type { OpenRequest, Vault } from '../ports/vault.ts'
import { placeOf } from './place.ts'
import type { Sealable } from './seal.ts'

/**
 * Messages with what is sealed in them opened, or `erased` in its place, in the order given.
 *
 * What does not open stays as it is, and so does everything without a vault: decoding refuses that with UNDECODABLE, for
 * the message alone. Throws UNAVAILABLE when the keys cannot be reached.
 */
export async function opened<Message extends Sealable>(
  vault: Vault | null,
  messages: readonly Message[],
): Promise<readonly Message[]> {
  return (await openedFor(vault, messages)).messages
}

/** The same, and of whom something was opened. */
export async function openedFor<Message extends Sealable>(
  vault: Vault | null,
  messages: readonly Message[],
): Promise<{ readonly messages: readonly Message[]; readonly subjects: ReadonlySet<string> }> {
  const subjects = new Set<string>()
  if (vault === null || !messages.some(({ payload }) => maySeal(payload))) return { messages, subjects }
  const wanted: OpenRequest[] = []
  const parsed = messages.map((message) => {
    const data = maySeal(message.payload) ? dataOf(message.payload) : undefined
    if (data === undefined) return null
    replaceSealed(data, ({ $sealed, subject }, field) => {
      wanted.push({ subject, place: placeOf(message.type, field), sealed: $sealed })
    })
    return { data }
  })
  if (wanted.length === 0) return { messages, subjects }
  const done = await vault.open(wanted)
  let next = 0
  const readable = messages.map((message, at) => {
    const of = parsed[at]
    if (of == null) return message
    const own = new Set<string>()
    const erasedFields = new Set<string>()
    const { data } = replaceSealed(of.data, (value, field) => {
      const found = done[next++]
      if (found?.kind === 'erased') {
        erasedFields.add(field)
        return erased
      }
      if (found?.kind !== 'opened') return value
      own.add(value.subject)
      return JSON.parse(found.text)
    })
    for (const subject of own) subjects.add(subject)
    return marked(
      { ...message, payload: JSON.stringify(data) },
      { subjects: [...own], erasedFields: [...erasedFields] },
    )
  })
  return { messages: readable, subjects }
}

/** Of whom something is sealed in messages, in one order for everybody. */
export function subjectsIn(messages: readonly Sealable[]): readonly string[] {
  const subjects = new Set<string>()
  for (const { payload } of messages) {
    const data = maySeal(payload) ? dataOf(payload) : undefined
    if (data !== undefined) replaceSealed(data, ({ subject }) => void subjects.add(subject))
  }
  return [...subjects].sort()
}

/** The data of a payload; undefined for one that decoding will refuse. */
function dataOf(payload: string): unknown {
  try {
    const data: unknown = JSON.parse(payload)
    return isDeep(data, maxDepth) ? undefined : data
  } catch {
    return undefined
  }
}

function isDeep(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return left === 0 || Object.values(value).some((inner) => isDeep(inner, left - 1))
}
