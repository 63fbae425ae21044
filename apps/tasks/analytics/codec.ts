import type { DecodedMessage, StoredMessage, ValueCodec } from 'estafet'
import { kindNames, kinds, TaskEventSkipped, told } from './messages.ts'

/**
 * The values of `task_events` as everybody knows them: `{"event_type": "TASK_CREATED", "data": {"id", "owner_id", "text"}}`.
 *
 * What is no such thing becomes a message that says why, for analytics to record.
 */
export const codec: ValueCodec = {
  encode({ type, payload }: StoredMessage): string {
    const name = kindNames.find((kind) => kinds[kind].type === type)
    if (name === undefined) throw new Error('this type has no name in the topic')
    return JSON.stringify({ event_type: name, data: told.parse(JSON.parse(payload)) })
  },

  decode(value, { isText }): DecodedMessage {
    if (!isText) return skip('not-utf8', 'the value is no UTF-8')
    const parsed = parse(value)
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
      return skip('malformed', 'the value is no JSON object')
    }
    const { event_type: name, data }: { event_type?: unknown; data?: unknown } = parsed
    const kind = kindNames.find((known) => known === name)
    if (kind === undefined) return skip('unknown-type', 'event_type is none that is known')
    const read = told.safeParse(data)
    if (!read.success) return skip('incomplete', faultsOf(read.error.issues))
    // PostgreSQL and the order of keys want ids to be written in one way.
    const { id, owner_id, text } = read.data
    const payload = { id: id.toLowerCase(), owner_id: owner_id.toLowerCase(), text }
    return { type: kinds[kind].type, payload: JSON.stringify(payload), key: payload.id }
  },
}

/** Undefined for what is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function skip(reason: string, details: string): DecodedMessage {
  return { type: TaskEventSkipped.type, payload: JSON.stringify({ reason, details: details.slice(0, 300) }) }
}

/** Names the fields and never quotes them. */
function faultsOf(issues: readonly { readonly path: readonly PropertyKey[]; readonly code: string }[]): string {
  const fields = issues.map(({ path, code }) => `${['data', ...path].map(String).join('.')} (${code})`)
  return `missing or wrong: ${fields.join(', ')}`
}
