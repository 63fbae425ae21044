import { type Item, items, number, text, textOrNull } from '../answer.ts'
import { columns } from '../columns.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { contentText } from '../content.ts'
import { safeText } from '../safe-text.ts'
import { type NamedStream, streamOf } from '../stream-path.ts'

/** The most that the ops API puts into one page. */
const pageSize = 500

export async function read(call: Call): Promise<Outcome> {
  const named = await streamOf(call)
  const limit = Math.max(1, call.options.count('limit') ?? 100)
  const { rows, next } = await eventsOf(named, call.options.count('after') ?? 0, limit)
  const [titles = '', ...lines] = columns(
    rows,
    [
      { title: 'VERSION', of: (row) => number(row, 'streamVersion'), align: 'right' },
      { title: 'TIME', of: (row) => text(row, 'time') },
      { title: 'TYPE', of: (row) => text(row, 'type') },
      { title: 'CORRELATION', of: (row) => text(row, 'correlationId') },
      { title: 'ID', of: (row) => text(row, 'id') },
    ],
    call.terminal.width,
  ).split('\n')
  const isWithPayload = call.options.has('payload')
  const body = rows.flatMap((row, at) => [lines[at] ?? '', ...(isWithPayload ? [payloadLine(row)] : [])])
  const end = next === null ? [] : ['', `There are more: --after ${next} shows them.`]
  const none = 'The stream has no events after this version.'
  return done(rows, rows.length === 0 ? none : [titles, ...body, ...end].join('\n'))
}

async function eventsOf(
  { client, path }: NamedStream,
  from: number,
  limit: number,
): Promise<{ readonly rows: readonly Item[]; readonly next: string | null }> {
  const rows: Item[] = []
  for (let after = String(from); ; ) {
    const page = await client.get(`${path}/events`, { after, limit: Math.min(pageSize, limit - rows.length) })
    rows.push(...items(page['items'], 'items').map((each): Item => ({ service: client.name, ...each })))
    const next = textOrNull(page, 'next')
    if (next === null || rows.length >= limit) return { rows, next }
    after = next
  }
}

function payloadLine(row: Item): string {
  // Whoever may see none gets none: not even an empty one.
  if (!('payload' in row)) return '         (the token may not see payloads)'
  return `         ${safeText(row['payload'] === null ? contentText(row) : JSON.stringify(row['payload']))}`
}
