import { type Item, items, text, textOrNull } from '../answer.ts'
import type { Call, Outcome } from '../command.ts'
import type { Diagnostic } from '../envelope.ts'
import { CommandFailure } from '../failure.ts'
import { fromEach } from '../fleet.ts'
import { messageLine } from '../message-line.ts'
import { safeText } from '../safe-text.ts'
import type { Query, ServiceClient } from '../service-client.ts'
import { pause } from '../wait.ts'

/** How often a service is asked for news: a person sees no difference to less. */
const lookMs = 500

interface Followed {
  readonly client: ServiceClient
  /** The position of the last message shown. */
  cursor: string
}

export async function tail(call: Call): Promise<Outcome> {
  const { options, signal } = call
  const query: Query = { type: options.text('type'), key: options.text('key') }
  const end = { left: options.count('limit') ?? Number.POSITIVE_INFINITY }
  const {
    found: first,
    diagnostics,
    exit,
  } = await fromEach(call, (client) => lastOf(client, query, options.count('last') ?? 10))
  show(
    call,
    first.flatMap(({ value }) => value.messages),
    end,
  )
  const followed = first.map(({ value: { client, cursor } }): Followed => ({ client, cursor }))
  const lost = new Map<string, Diagnostic>(diagnostics.map((each) => [each.message, each]))
  while (options.has('follow') && end.left > 0 && !signal.aborted) {
    const news = await Promise.all(followed.map((each) => newsOf(call, each, query, lost)))
    show(call, news.flat(), end)
    // A full page has more behind it.
    if (end.left > 0 && news.every((each) => each.length < pageSize)) await pause(call, lookMs)
  }
  return { data: null, text: '', exit, diagnostics: [...lost.values()], isStream: true }
}

const pageSize = 200

async function lastOf(
  client: ServiceClient,
  query: Query,
  count: number,
): Promise<{ readonly client: ServiceClient; readonly cursor: string; readonly messages: readonly Item[] }> {
  const head = await client.get('/log')
  const end = BigInt(text(head, 'lastCommitted'))
  const messages: Item[] = []
  // Backwards in growing steps: what is asked for may be rare, and the log long.
  for (let upTo = end, step = BigInt(Math.max(count, pageSize)); upTo > 0n && messages.length < count; step *= 4n) {
    const after = upTo > step ? upTo - step : 0n
    const part = await range(client, query, after, upTo)
    messages.unshift(...part)
    upTo = after
  }
  return { client, cursor: String(end), messages: count === 0 ? [] : messages.slice(-count) }
}

/** The messages of a range of positions. */
async function range(client: ServiceClient, query: Query, after: bigint, upTo: bigint): Promise<readonly Item[]> {
  const found: Item[] = []
  for (let cursor: string | null = String(after); cursor !== null; ) {
    const page: Item = await client.get('/log/messages', { ...query, after: cursor, limit: pageSize })
    const part = items(page['items'], 'items').filter((each) => BigInt(text(each, 'position')) <= upTo)
    found.push(...part.map((each): Item => ({ service: client.name, ...each })))
    cursor = part.length < items(page['items'], 'items').length ? null : textOrNull(page, 'next')
  }
  return found
}

async function newsOf(
  call: Call,
  each: Followed,
  query: Query,
  lost: Map<string, Diagnostic>,
): Promise<readonly Item[]> {
  try {
    const page = await each.client.get('/log/messages', { ...query, after: each.cursor, limit: pageSize })
    const found = items(page['items'], 'items').map((message): Item => ({ service: each.client.name, ...message }))
    const last = found.at(-1)
    if (last !== undefined) each.cursor = text(last, 'position')
    return found
  } catch (error) {
    if (!(error instanceof CommandFailure) || error.exit !== 'unreachable') {
      if (call.signal.aborted) return []
      throw error
    }
    // It may come back: who follows waits for it, and is told once.
    const { diagnostic } = error
    if (!lost.has(diagnostic.message)) call.terminal.err(`${safeText(diagnostic.message)}\n`)
    lost.set(diagnostic.message, diagnostic)
    return []
  }
}

function show(call: Call, messages: readonly Item[], end: { left: number }): void {
  const inTime = messages.toSorted((a, b) => text(a, 'time').localeCompare(text(b, 'time')))
  for (const message of inTime.slice(0, end.left)) {
    call.emit(message, messageLine(message, call.options.has('payload')))
    end.left -= 1
  }
}
