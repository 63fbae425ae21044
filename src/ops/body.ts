import { Refusal } from './refusal.ts'

const standardMaxBytes = 1_048_576

/**
 * Reads the JSON object of a request; none is an empty one. Throws TOO_LARGE without having kept more than the limit,
 * NOT_JSON, INVALID_REQUEST.
 */
export async function readBody(
  request: Request,
  maxBytes: number = standardMaxBytes,
): Promise<Readonly<Record<string, unknown>>> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes)
  const bytes = await readBytes(request, maxBytes)
  if (bytes.length === 0) return {}
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  // A form of a foreign page cannot send this type.
  if (type !== 'application/json') throw new Refusal('NOT_JSON', 'The body must be of the type application/json.')
  const parsed = parse(bytes)
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new Refusal('INVALID_REQUEST', 'The body must be a JSON object.')
  }
  return Object.fromEntries(Object.entries(parsed))
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  if (request.body !== null) {
    for await (const part of request.body) {
      size += part.length
      if (size > maxBytes) throw tooLarge(maxBytes)
      parts.push(part)
    }
  }
  return Buffer.concat(parts)
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    // The parser's own message quotes the body.
    throw new Refusal('INVALID_REQUEST', 'The body is not JSON in UTF-8.')
  }
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal('TOO_LARGE', `The body is larger than ${maxBytes} bytes.`)
}
