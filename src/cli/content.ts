import { type Item, textOrNull } from './answer.ts'
import { prettyJson } from './pretty-json.ts'
import { safeLines } from './safe-text.ts'

/** A payload as the service shows it: its JSON, or its text where it is none, or base64 of what is not even that. */
export function contentText(content: Item): string {
  const payload = content['payload']
  if (payload !== null && payload !== undefined) return prettyJson(payload)
  const [text, base64] = [textOrNull(content, 'text'), textOrNull(content, 'base64')]
  if (text !== null) return `not JSON: ${safeLines(text)}`
  return base64 === null ? 'null' : `not text, in base64: ${base64}`
}
