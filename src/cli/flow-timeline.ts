import { type Item, items, number, text, textOrNull, texts } from './answer.ts'
import { columns } from './columns.ts'
import { sayMs } from './span.ts'

/** Cells of the picture. */
const width = 24

interface Line {
  readonly what: string
  readonly state: 'happened' | 'awaited' | 'overdue'
  readonly fromMs: number
  /** Null of what happened. */
  readonly untilMs: number | null
  readonly source: string | null
  readonly at: string
  readonly id: string | null
}

/** What happened in a flow, in order of time, and below it what is awaited, from when it is. */
export function flowTimeline(flow: Item, terminalWidth: number | null): string {
  const nowMs = nowOf(flow)
  const lines = [...eventsOf(flow).map(happened), ...awaitedOf(flow).map((each) => awaited(each, nowMs))]
  const startMs = Math.min(...lines.map(({ fromMs }) => fromMs))
  const lastMs = Math.max(...lines.map(({ fromMs, untilMs }) => (untilMs === null ? fromMs : nowMs)))
  const cell = (atMs: number): number => {
    const share = (atMs - startMs) / Math.max(1, lastMs - startMs)
    return Math.max(0, Math.min(width - 1, Math.floor(share * width)))
  }
  return columns(
    lines,
    [
      { title: 'AFTER', of: ({ fromMs }) => sayMs(fromMs - startMs), align: 'right' },
      { title: 'TIMELINE', of: (line) => bar(line, cell) },
      { title: 'STATE', of: ({ state }) => state },
      { title: 'EVENT', of: ({ what }) => what },
      { title: 'SOURCE', of: ({ source }) => source },
      { title: 'AT', of: ({ at }) => at },
      { title: 'ID', of: ({ id }) => id },
    ],
    terminalWidth,
  )
}

/** What one that has begun waits for, the first due first. Nobody is late in one whose beginning was not seen. */
export function awaitedOf(flow: Item): readonly Item[] {
  return text(flow, 'status') === 'waiting' ? items(flow['awaited'], 'awaited') : []
}

/** One of which an expectation waits for. */
export function choiceText(expectation: Item): string {
  return texts(expectation, 'oneOf').join(' or ')
}

/** A time without what is less than a second. */
export function toTheSecond(time: string): string {
  return time.replace(/\.\d+(?=Z$)/, '')
}

function eventsOf(flow: Item): readonly Item[] {
  return items(flow['events'], 'events')
}

function happened(event: Item): Line {
  const at = text(event, 'at')
  return {
    ...{ what: text(event, 'type'), state: 'happened', fromMs: Date.parse(at), untilMs: null },
    ...{ source: text(event, 'source'), at: toTheSecond(at), id: text(event, 'id') },
  }
}

function awaited(expectation: Item, nowMs: number): Line {
  const until = text(expectation, 'until')
  const untilMs = Date.parse(until)
  const count = number(expectation, 'count')
  return {
    what: `${choiceText(expectation)}${count === 1 ? '' : ` (${count} times)`}`,
    state: untilMs <= nowMs ? 'overdue' : 'awaited',
    ...{ fromMs: Date.parse(text(expectation, 'since')), untilMs, source: null, id: null },
    at: `until ${toTheSecond(until)}`,
  }
}

/** By the clock of the database, which may be another than ours: it says for how long nothing happened, and what is overdue. */
function nowOf(flow: Item): number {
  const idle = Date.parse(text(flow, 'lastAt')) + number(flow, 'idleSeconds') * 1000
  const due = textOrNull(flow, 'dueAt')
  const overdueSeconds = number(flow, 'overdueSeconds')
  return due === null || overdueSeconds === 0 ? idle : Math.max(idle, Date.parse(due) + overdueSeconds * 1000)
}

/** `*` happened, `--->` is awaited, `--!!>` is awaited for longer than it may take. */
function bar({ fromMs, untilMs }: Line, cell: (atMs: number) => number): string {
  const from = cell(fromMs)
  if (untilMs === null) return `|${' '.repeat(from)}*`.padEnd(width + 1).concat('|')
  const cells = Array.from({ length: width - 1 - from }, (_, at) => (from + at < cell(untilMs) ? '-' : '!'))
  return `|${' '.repeat(from)}${cells.join('')}>`.padEnd(width + 1).concat('|')
}
