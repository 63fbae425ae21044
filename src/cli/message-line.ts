import { type Item, text } from './answer.ts'
import { safeLines, safeText } from './safe-text.ts'

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
  const payload = message['payload']
  if (payload === undefined || payload === null) return `${head}\n  (the token may not see payloads)`
  return `${head}\n  ${safeLines(JSON.stringify(payload))}`
}
