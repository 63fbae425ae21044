/** What bytes say as text, and the bytes themselves where they say none. */
export interface PayloadText {
  readonly text: string
  /** Base64; null when `text` holds all, and when they are too many to keep beside it. */
  readonly lost: string | null
  /** False when the bytes were no UTF-8: the text then has replacement characters. */
  readonly isText: boolean
}

/** Beyond this, bytes that are no text are not kept beside their replacement: as much again would go into each queue. */
const maxKept = 1_048_576

/** The text of a value. Never throws: bytes that are no UTF-8 have replacement characters in it. A value of null is JSON's. */
export function payloadText(value: Uint8Array | string | null): PayloadText {
  if (value === null) return { text: 'null', lost: null, isText: true }
  if (typeof value === 'string') return { text: value, lost: null, isText: true }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value), lost: null, isText: true }
  } catch {
    const lost = value.length > maxKept ? null : base64(value)
    return { text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(value), lost, isText: false }
  }
}

/** The header that keeps the bytes, for a handler or a person. */
export function lostHeader({ lost }: Pick<PayloadText, 'lost'>): Readonly<Record<string, string>> {
  return lost === null ? {} : { 'payload-base64': lost }
}

/** The bytes of a base64 text; null when it is none. */
export function bytesOf(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return null
  }
}

function base64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}
