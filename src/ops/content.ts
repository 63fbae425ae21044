import { maxDepth } from '../message/json.ts'
import { type Mask, maskData, masked, withSealed } from './mask.ts'

/** A payload, as far as somebody may see it. */
export interface Content {
  /** Its data; null when it is no JSON that can be shown as such. */
  readonly payload: unknown
  /** Then as text, or, when it is not even that, as base64. */
  readonly text: string | null
  readonly base64: string | null
  /** Fields that are hidden; `(all)` when everything is. */
  readonly masked: readonly string[]
}

/** What of a payload's bytes may be shown. Bytes that are no JSON have no fields to hide: then all of it is hidden. */
export function contentOf(bytes: Uint8Array, mask: Mask): Content {
  const text = textOf(bytes)
  const data = text === null ? null : dataOf(text)
  const isAll = mask === null || (data === null && mask.length > 0)
  if (isAll) return { payload: masked, text: null, base64: null, masked: ['(all)'] }
  if (data !== null) {
    const hidden = withSealed(mask, data.value) ?? []
    return { payload: maskData(data.value, hidden), text: null, base64: null, masked: hidden }
  }
  const base64 = text === null ? Buffer.from(bytes).toString('base64') : null
  return { payload: null, text, base64, masked: [] }
}

/** The data of a JSON text; null when it is none, or nested deeper than any message is. */
export function dataOf(text: string): { readonly value: unknown } | null {
  // Before anything walks through it: recursion over what is nested 10,000 deep ends the process.
  if (depthOf(text) > maxDepth) return null
  try {
    return { value: JSON.parse(text) }
  } catch {
    return null
  }
}

/** The text of bytes; null when they are not UTF-8. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

function depthOf(text: string): number {
  let [depth, deepest, isInText] = [0, 0, false]
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (isInText && character === '\\') at += 1
    else if (character === '"') isInText = !isInText
    else if (!isInText && (character === '{' || character === '[')) deepest = Math.max(deepest, ++depth)
    else if (!isInText && (character === '}' || character === ']')) depth -= 1
  }
  return deepest
}
