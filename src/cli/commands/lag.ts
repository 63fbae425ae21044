import { flag, type Item, numberOrNull, text, textOrNull } from '../answer.ts'
import { columns } from '../columns.ts'
import type { Call, Outcome } from '../command.ts'
import type { Diagnostic } from '../envelope.ts'
import { type Answers, fromEach } from '../fleet.ts'
import { safeText } from '../safe-text.ts'
import { sayMs } from '../span.ts'
import { pause } from '../wait.ts'

export async function lag(call: Call): Promise<Outcome> {
  const { options } = call
  const limit = options.count('fail-over')
  if (!options.has('watch')) return once(call, limit)
  const everyMs = options.spanMs('every') ?? 2000
  const times = options.count('times') ?? Number.POSITIVE_INFINITY
  let isOver = false
  for (let time = 0; time < times && !call.signal.aborted; time++) {
    if (time > 0) await pause(call, everyMs)
    if (call.signal.aborted) break
    const { data, text, exit, diagnostics } = await once(call, limit)
    isOver ||= exit === 'found'
    call.emit(data, time === 0 ? text : `\n${text}`)
    for (const { message } of diagnostics) call.terminal.err(`${safeText(message)}\n`)
  }
  return { data: null, text: '', exit: isOver ? 'found' : 'ok', diagnostics: [], isStream: true }
}

async function once(call: Call, limit: number | null): Promise<Outcome> {
  const { rows, exit, diagnostics } = await lagRows(call)
  const table = columns(
    rows,
    [
      { title: 'SERVICE', of: (row) => text(row, 'service') },
      { title: 'FEED', of: (row) => text(row, 'feed') },
      { title: 'LAG', of: lagText, align: 'right' },
      { title: 'OLDEST UNREAD', of: (row) => oldestText(row), align: 'right' },
    ],
    call.terminal.width,
  )
  const unread = rows.filter((row) => numberOrNull(row, 'lag') === null).map(unreadable)
  const over = limit === null ? [] : rows.filter((row) => (numberOrNull(row, 'lag') ?? 0) > limit).map(behind)
  return {
    data: rows,
    text: rows.length === 0 ? 'No subscriptions.' : table,
    exit: over.length > 0 ? 'found' : unread.length > 0 ? 'partial' : exit,
    diagnostics: [...diagnostics, ...unread, ...over],
  }
}

function lagText(row: Item): string | null {
  const lag = textOrNull(row, 'lag')
  return lag === null || flag(row, 'isExact') ? lag : `up to ${lag}`
}

function oldestText(row: Item): string | null {
  const seconds = numberOrNull(row, 'seconds')
  return seconds === null || seconds === 0 ? null : sayMs(seconds * 1000)
}

function unreadable(row: Item): Diagnostic {
  const [service, feed, error] = [text(row, 'service'), text(row, 'feed'), textOrNull(row, 'error') ?? 'unknown']
  return {
    ...{ code: 'UNAVAILABLE', severity: 'error', message: `${service} cannot read ${feed}: ${error}.` },
    hint: 'See that the database or broker of that feed runs, and the log of the service.',
  }
}

function behind(row: Item): Diagnostic {
  const [service, feed, lag] = [text(row, 'service'), text(row, 'feed'), text(row, 'lag')]
  return {
    ...{ code: 'LAG', severity: 'error', message: `${service} is ${lag} messages behind ${feed}.` },
    hint: `estafet doctor --service ${service} says why.`,
  }
}

/** How far behind each subscription is, of all services. */
async function lagRows(call: Call): Promise<Omit<Answers<never>, 'found'> & { readonly rows: readonly Item[] }> {
  const { found, exit, diagnostics } = await fromEach(call, (client) => client.all('/lag'))
  const rows = found.flatMap(({ service, value }) => value.map((each): Item => ({ service, ...each })))
  return { rows, exit, diagnostics }
}
