import { event } from '../message/event.ts'
import type { StandardSchema } from '../message/standard-schema.ts'
import type { Entry } from './verdict.ts'

const schema: StandardSchema<Entry> = {
  '~standard': {
    version: 1,
    vendor: 'estafet',
    validate: (value) =>
      typeof value === 'object' && value !== null && 'operation' in value && 'key' in value
        ? { value: { operation: String(value.operation), key: String(value.key) } }
        : { issues: [{ message: 'is no entry' }] },
  },
}

const key = (entry: Entry): string => entry.key

export const Done = event('operation.done', { version: 1, schema, key })
export const Noted = event('note.taken', { version: 1, schema, key })
