import type { SchemaIssue, StandardSchema } from './standard-schema.ts'

export interface WithinOptions {
  /** Fields of text beside it, 1 to 512 characters. */
  readonly texts: readonly string[]
  /** Where the inner data is. */
  readonly at: readonly string[]
  /** Data for which there is no inner data to check. (Default: none.) */
  readonly unless?: (data: object) => boolean
  /** Whether data that the inner schema does not take is given as it is. (Default: it is refused.) */
  readonly isLenient?: boolean
}

/** A schema of an object that has data of another schema in it, with texts beside that. */
export function within<Input, Output>(
  inner: StandardSchema,
  { texts, at, unless = () => false, isLenient = false }: WithinOptions,
): StandardSchema<Input, Output> {
  return {
    '~standard': {
      version: 1,
      vendor: 'estafet',
      validate(value) {
        if (!isRecord(value)) return { issues: [{ message: 'must be an object' }] }
        const issues: SchemaIssue[] = texts.flatMap((name) =>
          isText(value[name]) ? [] : [{ message: 'must be text of 1 to 512 characters', path: [name] }],
        )
        if (issues.length === 0 && unless(value)) return { value: value as Output }
        const found = inner['~standard'].validate(valueAt(value, at))
        if (found instanceof Promise) return found.then(() => ({ issues: [{ message: 'must be validated at once' }] }))
        if (found.issues !== undefined && isLenient && issues.length === 0) return { value: value as Output }
        if (found.issues !== undefined) {
          issues.push(...found.issues.map((issue) => ({ ...issue, path: [...at, ...(issue.path ?? [])] })))
        }
        if (issues.length > 0 || found.issues !== undefined) return { issues }
        return { value: replaced(value, at, found.value) as Output }
      },
      ...jsonSchemaOf(inner, texts, at),
    },
  }
}

/** What contracts ask a schema, where the inner one can say it. */
function jsonSchemaOf(inner: StandardSchema, texts: readonly string[], at: readonly string[]): object {
  const standard: object = inner['~standard']
  const converter: unknown = 'jsonSchema' in standard ? standard.jsonSchema : undefined
  if (!isRecord(converter)) return {}
  const outer = (io: 'input' | 'output') => (options: unknown) => {
    const make = converter[io]
    const made: unknown = typeof make === 'function' ? make(options) : null
    const text = { type: 'string', minLength: 1, maxLength: 512 }
    const [first = ''] = at
    // Within an answer there need be no result: it may have been refused.
    const part = at.length === 1 ? made : { type: 'object', properties: { result: made }, required: [] }
    return {
      type: 'object',
      properties: { ...Object.fromEntries(texts.map((name) => [name, text])), [first]: part },
      required: [...texts, first],
    }
  }
  return { jsonSchema: { input: outer('input'), output: outer('output') } }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= 512
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function valueAt(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return value
  return isRecord(value) && Object.hasOwn(value, name) ? valueAt(value[name], rest) : undefined
}

function replaced(value: unknown, [name, ...rest]: readonly string[], by: unknown): unknown {
  if (name === undefined || !isRecord(value)) return by
  return { ...value, [name]: replaced(value[name], rest, by) }
}
