import { type Item, text } from './answer.ts'
import { contentText } from './content.ts'
import { safeText } from './safe-text.ts'

/** A message of a log on one line, and its payload below it when it is there. */
export function messageLine(message: Item, isWithPayload: boolean): string {
  const head = safeText(
    [
      text(message, 'time'),
      `${text(message, 'service')}/${text(message, 'position')}`,
      text(message, 'type'),
      text(message, 'key'),
      text(message, 'id'),
    ].join('  '),
  )
  if (!isWithPayload) return head
  // Whoever may see none gets none: not even an empty one.
  if (!('payload' in message)) return `${head}\n  (the token may not see payloads)`
  const payload = message['payload'] === null ? contentText(message) : JSON.stringify(message['payload'])
  return `${head}\n  ${safeText(payload)}`
}
