/**
 * The part of Standard Schema 1 that the toolkit calls; zod, valibot, arktype and others satisfy it.
 *
 * @source https://standardschema.dev
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

export type SchemaInput<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['input']
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['output']

/** Names the field of an issue as `lines.0.quantity`, or `(root)`; a name that is no plain one may be content, and is `*`. */
export function issuePath(issue: SchemaIssue): string {
  const parts = (issue.path ?? []).map((part) => plainOrStar(String(typeof part === 'object' ? part.key : part)))
  return parts.length === 0 ? '(root)' : parts.join('.')
}

/** The name of a field as it may stand in an error: a map by address has content for names. */
export function plainOrStar(name: string): string {
  return isPlainName(name) ? name : '*'
}

/** Tells whether a name is one that programs give, and not content. */
export function isPlainName(name: string): boolean {
  return /^[A-Za-z_$][\w$-]{0,40}$|^\d{1,6}$/.test(name)
}

/**
 * What a schema's vendor makes of it in JSON Schema of draft 7, for what it accepts or gives; null where the vendor knows none.
 * Throws what the vendor throws for what JSON Schema cannot say.
 *
 * @source https://standardschema.dev/json-schema
 */
export function vendorJsonSchema(schema: StandardSchema, io: 'input' | 'output'): unknown {
  const standard: object = schema['~standard']
  const converter: unknown = 'jsonSchema' in standard ? standard.jsonSchema : undefined
  if (typeof converter !== 'object' || converter === null) return null
  const make: unknown = Reflect.get(converter, io)
  return typeof make === 'function' ? Reflect.apply(make, converter, [{ target: 'draft-07' }]) : null
}
