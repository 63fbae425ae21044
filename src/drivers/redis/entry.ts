import type { Delivery } from '../../message/message.ts'
import type { RelayedMessage } from '../../ports/sink.ts'
import { attributesOf, messageOf } from '../../wire/attributes.ts'
import { completed, decodedOrNull, refused } from '../../wire/codec.ts'
import { fromStructured, toStructured } from '../../wire/structured.ts'
import type { RedisLayout } from './client.ts'

/** The field of an entry that is ours. */
const plainField = 'event'
const layoutField = 'estafet'

/** What an entry of a stream holds, field after value after field. */
export type Words = readonly string[]

/** The words of a message's entry. Throws MISCONFIGURED when the layout cannot encode it. */
export function entryOf(relayed: RelayedMessage, layout: RedisLayout | null): Words {
  if (layout === null) return [plainField, toStructured(relayed)]
  const { message } = relayed
  try {
    const fields = Object.entries(layout.encode(message)).filter(([name]) => name !== layoutField)
    return [...fields.flat(), layoutField, JSON.stringify(attributesOf(relayed))]
  } catch (error) {
    throw refused(message, error)
  }
}

/** Tells entries that the sink wrote. */
export function isOurs(words: Words, layout: RedisLayout | null): boolean {
  if (layout === null) return words.length === 2 && words[0] === plainField
  return words.some((word, at) => at % 2 === 0 && word === layoutField)
}

/** The message of an entry that is ours. Never throws. */
export function messageOfEntry(
  words: Words,
  place: { readonly topic: string; readonly partition: number; readonly offset: bigint },
  layout: RedisLayout | null,
): Delivery {
  const { topic, offset: cursor } = place
  if (layout === null) return { ...fromStructured(words[1] ?? '', topic, place), cursor }
  const fields: Record<string, string> = {}
  for (let at = 0; at + 1 < words.length; at += 2) fields[words[at] ?? ''] = words[at + 1] ?? ''
  const { [layoutField]: own = '', ...others } = fields
  const attributes = attributesFrom(own)
  const wire = messageOf(attributes, 'null', topic, place)
  const decoded = decodedOrNull(() => layout.decode(others, topic))
  const told = decoded === null ? wire : completed(wire, decoded, (attribute) => attributes[attribute] !== undefined)
  return { ...told, cursor }
}

function attributesFrom(text: string): Readonly<Record<string, string>> {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null) return {}
    return Object.fromEntries(
      Object.entries(parsed).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    )
  } catch {
    return {}
  }
}
