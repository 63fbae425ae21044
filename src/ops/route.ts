import type { answers } from './answers.ts'
import type { Role } from './role.ts'

/**
 * text: well-formed, without NUL. count: a whole number. number: a whole number of any size, as a string. instant: ISO 8601.
 * value: anything. records: a list of objects.
 */
export type ParamKind = 'text' | 'count' | 'number' | 'numbers' | 'instant' | 'flag' | 'value' | 'records'

export interface Param {
  readonly in: 'path' | 'query' | 'body'
  readonly kind: ParamKind
  readonly isRequired?: boolean
  /** Of a count: the largest. Of a text: its length. Of a list: how many. */
  readonly max?: number
  /** Of a text: what it may be. (Default: anything.) */
  readonly choices?: readonly string[]
  readonly says: string
}

/** One line of the table: what is not in it does not exist. */
export interface Route {
  readonly method: 'GET' | 'POST'
  /** Below `/ops/v1`; `{name}` stands for a parameter in the path. */
  readonly path: string
  readonly role: Role
  readonly summary: string
  readonly params: Readonly<Record<string, Param>>
  readonly answer: keyof typeof answers
  /** Of the body. (Default: 1 MiB.) */
  readonly maxBytes?: number
}
