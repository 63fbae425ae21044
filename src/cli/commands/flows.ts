import { type Item, number, text, textOrNull } from '../answer.ts'
import { columns, fields } from '../columns.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { usage } from '../failure.ts'
import { fromEach, oneService } from '../fleet.ts'
import { awaitedOf, choiceText, flowTimeline, toTheSecond } from '../flow-timeline.ts'
import { safeText } from '../safe-text.ts'
import { shellWord } from '../shell-word.ts'
import { sayMs } from '../span.ts'

export async function list(call: Call): Promise<Outcome> {
  const { options } = call
  const limit = options.count('limit') ?? 50
  const query = {
    flow: options.text('flow'),
    status: options.text('status'),
    overdue: options.has('overdue') ? true : null,
  }
  // One more than is shown, to know whether there is one.
  const { found, diagnostics, exit } = await fromEach(call, (client) => client.all('/flows', query, limit + 1))
  const rows = found.flatMap(({ service, value }) => value.slice(0, limit).map((each): Item => ({ service, ...each })))
  const isCut = found.some(({ value }) => value.length > limit)
  const table = columns(
    rows,
    [
      { title: 'SERVICE', of: (row) => text(row, 'service') },
      { title: 'FLOW', of: (row) => text(row, 'flow') },
      { title: 'CORRELATION ID', of: (row) => text(row, 'correlationId') },
      { title: 'STATE', of: stateText },
      { title: 'WAITS FOR', of: (row) => awaitedText(row, choiceText) },
      { title: 'AFTER', of: (row) => awaitedText(row, (each) => text(each, 'after')) },
      { title: 'IDLE', of: idleText, align: 'right' },
      { title: 'BEGUN AT', of: (row) => timeText(row, 'begunAt') },
    ],
    call.terminal.width,
  )
  const hints = [...firstOverdue(rows), ...(isCut ? [`Only the first ${limit} of each service: see --limit.`] : [])]
  const shown = rows.length === 0 ? 'No flows.' : table
  return {
    ...{ data: rows, text: [shown, ...(hints.length === 0 ? [] : ['', ...hints])].join('\n'), diagnostics },
    exit: options.has('overdue') && rows.length > 0 ? 'found' : exit,
  }
}

export async function show(call: Call): Promise<Outcome> {
  const [flow = '', id = ''] = call.arguments
  for (const part of [flow, id]) {
    if (part === '' || part === '.' || part === '..') throw usage(`No flow can be asked for by "${part}".`)
  }
  const client = await oneService(call)
  const shown = await client.get(`/flows/${encodeURIComponent(flow)}/${encodeURIComponent(id)}`)
  const parts = [
    fields({
      flow: `${flow} ${id} of ${client.name}`,
      state: stateText(shown),
      begun: timeText(shown, 'begunAt'),
      last: toTheSecond(text(shown, 'lastAt')),
      idle: idleText(shown),
      due: timeText(shown, 'dueAt'),
    }),
    '',
    flowTimeline(shown, call.terminal.width),
    '',
    safeText(text(shown, 'why')),
    '',
    ...nextOf(shown),
  ]
  return done({ service: client.name, ...shown }, parts.join('\n'))
}

function stateText(row: Item): string {
  const overdue = number(row, 'overdueSeconds')
  return overdue === 0 ? text(row, 'status') : `overdue ${sayMs(overdue * 1000)}`
}

/** Nothing for one that is at its end. */
function idleText(row: Item): string | null {
  return text(row, 'status') === 'ended' ? null : sayMs(number(row, 'idleSeconds') * 1000)
}

function timeText(row: Item, field: string): string | null {
  const time = textOrNull(row, field)
  return time === null ? null : toTheSecond(time)
}

function awaitedText(row: Item, of: (expectation: Item) => string): string | null {
  const awaited = awaitedOf(row)
  return awaited.length === 0 ? null : awaited.map(of).join('; ')
}

function firstOverdue(rows: readonly Item[]): readonly string[] {
  const row = rows.find((each) => number(each, 'overdueSeconds') > 0)
  if (row === undefined) return []
  const name = `${shellWord(text(row, 'flow'))} ${shellWord(text(row, 'correlationId'))}`
  return [
    safeText(`estafet flows show ${name} --service ${text(row, 'service')}`),
    '    says after what it waits, and since when',
  ]
}

/** What a person may want to type next, each with what it does. */
function nextOf(flow: Item): readonly string[] {
  const trace = `estafet trace ${shellWord(text(flow, 'correlationId'))}`
  return [
    safeText(trace),
    '    shows its messages in all services, and which of them are dead letters',
    ...(text(flow, 'status') === 'waiting'
      ? ['estafet status', '    says which service is down, behind or paused: it may be the one that should answer']
      : []),
  ]
}
