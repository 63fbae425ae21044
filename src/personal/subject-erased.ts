import { type EventType, event } from '../message/event.ts'
import type { StoredMessage } from '../message/message.ts'
import { isSubject } from '../message/personal.ts'
import type { StandardSchema } from '../message/standard-schema.ts'

export interface SubjectErasedData {
  /** Whose personal fields nobody can open any more. */
  readonly subject: string
}

/**
 * Tells the other services that a person was erased, so that they remove what they wrote down in clear: publish it in the
 * transaction of `vault.erase`, and handle it wherever personal values are kept.
 */
export const SubjectErased: EventType<SubjectErasedData, SubjectErasedData> = event('privacy.subject-erased', {
  version: 1,
  schema: subjectSchema(),
  key: ({ subject }) => subject,
})

function subjectSchema(): StandardSchema<SubjectErasedData, SubjectErasedData> {
  const shape = {
    type: 'object',
    properties: { subject: { type: 'string', minLength: 1, maxLength: 512 } },
    required: ['subject'],
  }
  const standard = {
    version: 1 as const,
    vendor: 'estafet',
    validate: (value: unknown) => {
      const subject = typeof value === 'object' && value !== null && 'subject' in value ? value.subject : undefined
      return isSubject(subject)
        ? { value: { subject } }
        : { issues: [{ message: 'must be text of 1 to 512 well-formed characters', path: ['subject'] }] }
    },
    // For contracts: https://standardschema.dev/json-schema
    jsonSchema: { input: () => shape, output: () => shape },
  }
  return { '~standard': standard }
}

/** Whom a message tells to be erased; null for any other message. */
export function erasedSubject(message: StoredMessage): string | null {
  if (message.type !== SubjectErased.type) return null
  try {
    return SubjectErased.receive(message).data.subject
  } catch {
    // Its handler will say what is wrong with it.
    return null
  }
}
