import { EstafetError } from './errors.ts'
import { plainOrStar } from './standard-schema.ts'

/** Nesting a payload may have: deeper than any real message, far from where a parser's stack ends. */
export const maxDepth = 64

/**
 * Encodes plain data as JSON text, or refuses where JSON or PostgreSQL would change or reject it.
 *
 * Throws UNENCODABLE, naming the field, for NaN, infinities, bigint, functions, symbols, undefined in a list,
 * class instances without `toJSON`, cycles, nesting beyond 64, keys `__proto__`, NUL characters and lone surrogates
 * (PostgreSQL's json refuses the last two; the error belongs in the publisher's hands).
 */
export function encodeJson(data: unknown): string {
  refuseUnencodable(data, '', 0)
  const text = JSON.stringify(data)
  if (text === undefined) throw unencodable('(root)', 'there is no JSON for undefined')
  return text
}

/** Decodes stored JSON text. Throws UNDECODABLE, without quoting the text. */
export function decodeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes the payload, so it is not kept as the cause.
    throw new EstafetError('UNDECODABLE', `The stored payload of ${text.length} characters is not JSON.`)
  }
}

function refuseUnencodable(value: unknown, path: string, depth: number): void {
  switch (typeof value) {
    case 'string':
      refuseText(value, path)
      return
    case 'number':
      if (!Number.isFinite(value)) throw unencodable(path, `${value} is not a JSON number`)
      return
    case 'boolean':
      return
    case 'undefined':
      // JSON drops an undefined property, which is what optional fields mean; in a list it would become null.
      if (path.endsWith(']')) throw unencodable(path, 'undefined in a list would become null')
      return
    case 'object':
      if (value !== null) refuseObject(value, path, depth)
      return
    default:
      throw unencodable(path, `a ${typeof value} has no JSON form; write it as a string`)
  }
}

function refuseObject(value: object, path: string, depth: number): void {
  if (depth >= maxDepth) throw unencodable(path, `nested deeper than ${maxDepth}, or a cycle`)
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++) refuseUnencodable(value[at], `${path}[${at}]`, depth + 1)
    return
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    refuseUnencodable(value.toJSON(), path, depth + 1)
    return
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    throw unencodable(path, 'only plain objects, lists and objects with toJSON keep their content in JSON')
  }
  for (const [key, item] of Object.entries(value)) {
    if (key === '__proto__') throw unencodable(path, 'a field named __proto__ is refused')
    refuseText(key, path)
    const name = plainOrStar(key)
    refuseUnencodable(item, path === '' ? name : `${path}.${name}`, depth + 1)
  }
}

function refuseText(text: string, path: string): void {
  if (text.includes('\u0000')) throw unencodable(path, 'text holds a NUL character')
  if (!text.isWellFormed()) throw unencodable(path, 'text holds half of a surrogate pair')
}

function unencodable(path: string, why: string): EstafetError {
  const field = path === '' ? '(root)' : path
  return new EstafetError('UNENCODABLE', `The message cannot be encoded at ${field}: ${why}.`, {
    details: { field },
  })
}
