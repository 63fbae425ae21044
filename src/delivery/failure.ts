import { EstafetError } from '../message/errors.ts'
import type { StoredMessage } from '../message/message.ts'
import type { Failure } from '../ports/parking.ts'

/** What of an error may be kept and shown. */
export type ErrorFacts = Pick<Failure, 'errorName' | 'errorMessage' | 'stack' | 'fingerprint'>

const maxText = 500
const maxFrames = 20
/** Beyond it the payload is not searched for what the error's text may quote, and so the text is not kept. */
const maxSearched = 262_144

/**
 * What an error says, fit to be kept: its text without anything that stands in the message's payload, without logins in
 * addresses, cut to 500 characters; the frames of its stack alone. Of a database's error only the SQLSTATE and the names
 * of constraint, table and column, because its text quotes rows.
 */
export function errorFacts(error: unknown, message: StoredMessage, handler: string): ErrorFacts {
  const name = errorName(error)
  const stack = framesOf(error)
  const errorMessage = safeText(error, message)
  const shape = errorMessage.replaceAll(/\d+/g, '#')
  const place = stack.split('\n').find((frame) => !frame.includes('node:')) ?? ''
  // Without lines and columns: the same fault in the next version should be found in the same group.
  const where = place.replaceAll(/:\d+/g, '').trim()
  return { errorName: name, errorMessage, stack, fingerprint: hash(`${handler}\n${name}\n${shape}\n${where}`) }
}

/** What of an error may be shown anywhere: its code or class, never its text, which may quote a row. */
export function errorName(error: unknown): string {
  if (error instanceof EstafetError) return error.code
  if (!(error instanceof Error)) return typeof error
  const code = 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : ''
  return `${error.name}${code}`
}

/** Where an error arose: the first line of its stack that is not Node's own. */
export function errorPlace(error: unknown): string | undefined {
  const frame = framesOf(error)
    .split('\n')
    .find((line) => line !== '' && !line.includes('node:'))
  return frame?.trim().replace(/^at /, '')
}

function framesOf(error: unknown): string {
  if (!(error instanceof Error) || error.stack === undefined) return ''
  const frames = error.stack.split('\n').filter((line) => line.startsWith('    at '))
  return frames.slice(0, maxFrames).join('\n')
}

function safeText(error: unknown, message: StoredMessage): string {
  if (error instanceof EstafetError) return error.message
  const state = sqlState(error)
  if (state !== null) return state
  const text = error instanceof Error ? error.message : typeof error === 'string' ? error : ''
  if (message.payload.length > maxSearched) return ''
  return withoutValues(text.replaceAll(/:\/\/[^@\s/]+@/g, '://…@'), message.payload)
    .replaceAll(/\s+/g, ' ')
    .slice(0, maxText)
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

/** Takes every text and number of the payload out of an error's text, longest first. */
function withoutValues(text: string, payload: string): string {
  const values = [...new Set(leavesOf(payload))].sort((a, b) => b.length - a.length)
  let safe = text
  for (const value of values) safe = safe.replaceAll(value, '…')
  return safe
}

/** Texts and numbers of three characters and more; shorter ones tell nothing and stand in many words. */
function leavesOf(payload: string): readonly string[] {
  const leaves: string[] = []
  const left: unknown[] = []
  try {
    left.push(JSON.parse(payload))
  } catch {
    // Not JSON: whole runs of letters and digits are the next best.
    return payload.match(/[\p{L}\p{N}]{3,}/gu)?.slice(0, 2_000) ?? []
  }
  // A list of what is left instead of recursion: a payload may be nested deeper than the stack.
  while (left.length > 0 && leaves.length < 2_000) {
    const value = left.pop()
    if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) left.push(inner)
    else if ((typeof value === 'string' || typeof value === 'number') && String(value).length > 2) {
      leaves.push(String(value))
    }
  }
  return leaves
}

/** FNV-1a over 64 bits, as 16 hexadecimal digits. */
function hash(text: string): string {
  let value = 0xcbf29ce484222325n
  for (let at = 0; at < text.length; at++) {
    value = BigInt.asUintN(64, (value ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n)
  }
  return value.toString(16).padStart(16, '0')
}
