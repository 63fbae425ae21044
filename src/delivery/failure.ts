import { EstafetError } from '../message/errors.ts'
import { fingerprint } from '../message/fingerprint.ts'
import type { StoredMessage } from '../message/message.ts'
import { maySeal } from '../message/personal.ts'
import { isPlainName } from '../message/standard-schema.ts'
import type { Failure } from '../ports/parking.ts'

/** What of an error may be kept and shown. */
export type ErrorFacts = Pick<Failure, 'errorName' | 'errorMessage' | 'stack' | 'fingerprint'>

const maxText = 500
const notKept = 'its text is not kept, because the message holds personal values'
const maxFrames = 20
/** Beyond it the payload is not searched for what the error's text may quote, and so the text is not kept. */
const maxSearched = 262_144

/**
 * What an error says, fit to be kept: its text without anything that stands in the message's payload, without logins in
 * addresses, cut to 500 characters; nothing of it for a message with personal values; the frames of its stack alone. Of a database's error only the SQLSTATE and the names
 * of constraint, table and column, because its text quotes rows.
 */
export function errorFacts(error: unknown, message: StoredMessage, handler: string): ErrorFacts {
  const name = errorName(error)
  const stack = framesOf(error)
  const errorMessage = safeText(error, message)
  const shape = errorMessage.replaceAll(/\d+/g, '#')
  // Without lines and columns: the same fault in the next version should be found in the same group.
  const where = ownFrame(stack).replaceAll(/:\d+/g, '').trim()
  return { errorName: name, errorMessage, stack, fingerprint: fingerprint(`${handler}\n${name}\n${shape}\n${where}`) }
}

/** What of an error may be shown anywhere: its code or class, never its text, which may quote a row. */
export function errorName(error: unknown): string {
  if (error instanceof EstafetError) return error.code
  if (!(error instanceof Error)) return typeof error
  const code = 'code' in error ? word(error.code) : null
  return [word(error.name) ?? 'Error', ...(code === null ? [] : [code])].join(' ')
}

/** Where an error arose: the first line of its stack that is not Node's own. */
export function errorPlace(error: unknown): string | undefined {
  const frame = ownFrame(framesOf(error))
  return frame === '' ? undefined : frame.trim().replace(/^at /, '')
}

function ownFrame(stack: string): string {
  return stack.split('\n').find((frame) => !frame.includes('node:')) ?? ''
}

/** A name or a code as programs give them. Whatever else stands there may be content, or no text at all. */
function word(value: unknown): string | null {
  return typeof value === 'string' && /^[\w.$-]{1,64}$/.test(value) ? value : null
}

/** The text of an error; empty when it has none. What is thrown can be anything. */
function textOf(error: unknown): string {
  if (typeof error === 'string') return error
  if (!(error instanceof Error)) return ''
  const text: unknown = error.message
  return typeof text === 'string' ? text : ''
}

function framesOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const stack: unknown = error.stack
  const text = textOf(error)
  // The stack begins with the text, which may hold lines that look like frames.
  const at = typeof stack === 'string' ? stack.indexOf(text) : -1
  if (typeof stack !== 'string' || at === -1) return ''
  const lines = stack.slice(at + text.length).split('\n')
  return lines
    .filter((line) => line.startsWith('    at '))
    .slice(0, maxFrames)
    .join('\n')
}

function safeText(error: unknown, message: StoredMessage): string {
  // All but a handler's own reason are the toolkit's texts, and hold nothing of a payload.
  if (error instanceof EstafetError && error.code !== 'REJECTED') return error.message
  const state = sqlState(error)
  if (state !== null) return state
  // The handler had it opened, and whatever it says may be about the person.
  if (maySeal(message.payload)) return notKept
  const text = textOf(error).replaceAll(/:\/\/[^@\s/]+@/g, '://…@')
  const values = message.payload.length > maxSearched ? null : valuesOf(message.payload)
  if (values === null) return ''
  let safe = text
  for (const value of values) safe = safe.replaceAll(value, '…')
  return safe.replaceAll(/\s+/g, ' ').slice(0, maxText)
}

function sqlState(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null
  if (typeof error.code !== 'string' || !/^[0-9A-Z]{5}$/.test(error.code)) return null
  const parts = (['constraint', 'table', 'column'] as const).flatMap((part) => {
    const value: unknown = Reflect.get(error, part)
    return typeof value === 'string' ? [`${part} ${value}`] : []
  })
  return [`SQLSTATE ${error.code}`, ...parts].join(', ')
}

const maxLeaves = 2_000

/**
 * What of a payload must not stand in an error's text, longest first: its texts and numbers, the names of fields that are
 * no plain names (a map by address has content for names), the words of texts, and all that as JSON writes it. Null when
 * it is too much to look for.
 */
function valuesOf(payload: string): readonly string[] | null {
  const leaves = leavesOf(payload)
  if (leaves === null) return null
  const values = new Set<string>()
  for (const leaf of leaves) {
    for (const form of [leaf, JSON.stringify(leaf).slice(1, -1), ...(leaf.match(/[\p{L}\p{N}]{4,}/gu) ?? [])]) {
      // Shorter ones tell nothing and stand in many words.
      if (form.length > 2) values.add(form)
    }
  }
  return [...values].sort((a, b) => b.length - a.length)
}

function leavesOf(payload: string): readonly string[] | null {
  const leaves: string[] = []
  const left: unknown[] = []
  try {
    left.push(JSON.parse(payload))
  } catch {
    // Not JSON: whole runs of letters and digits are the next best.
    const words = payload.match(/[\p{L}\p{N}]{3,}/gu) ?? []
    return words.length > maxLeaves ? null : words
  }
  // A list of what is left instead of recursion: a payload may be nested deeper than the stack.
  while (left.length > 0) {
    const value = left.pop()
    if (leaves.length > maxLeaves) return null
    if (typeof value === 'string' || typeof value === 'number') leaves.push(String(value))
    if (typeof value !== 'object' || value === null) continue
    for (const [name, inner] of Object.entries(value)) {
      if (!isPlainName(name)) leaves.push(name)
      left.push(inner)
    }
  }
  return leaves
}
