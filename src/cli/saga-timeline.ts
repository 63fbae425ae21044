import { type Item, items, number, text, textOrNull } from './answer.ts'
import { columns } from './columns.ts'
import { sayMs } from './span.ts'

/** Cells of the picture. */
const width = 24
const openStates = ['asking', 'waiting', 'cancelling', 'undoing']

interface Line {
  readonly step: Item
  readonly begunMs: number
  readonly endMs: number
  readonly isOpen: boolean
}

/** The steps of a saga below each other, in the order in which they began: from when to when each was under way. */
export function timeline(saga: Item, terminalWidth: number | null): string {
  const startMs = Date.parse(text(saga, 'startedAt'))
  const nowMs = nowOf(saga)
  const lines = stepsOf(saga).map((step): Line => {
    const isOpen = isOpenStep(step)
    const endMs = isOpen ? nowMs : Date.parse(text(step, 'changedAt'))
    return { step, begunMs: Date.parse(text(step, 'begunAt')), endMs, isOpen }
  })
  const spanMs = Math.max(1, ...lines.map(({ endMs }) => endMs - startMs))
  return columns(
    lines,
    [
      { title: 'STEP', of: ({ step }) => text(step, 'name') },
      { title: 'KIND', of: ({ step }) => [text(step, 'kind'), textOrNull(step, 'asks')].filter(Boolean).join(' ') },
      { title: 'STATE', of: ({ step }) => text(step, 'state') },
      { title: 'AFTER', of: ({ begunMs }) => sayMs(begunMs - startMs), align: 'right' },
      { title: 'FOR', of: ({ begunMs, endMs }) => sayMs(endMs - begunMs), align: 'right' },
      { title: 'TIMELINE', of: (line) => bar(line, startMs, spanMs) },
      { title: 'TRIES', of: ({ step }) => number(step, 'tries'), align: 'right' },
      { title: 'DUE', of: ({ step }) => textOrNull(step, 'dueAt') },
      { title: 'NOTE', of: ({ step }) => textOrNull(step, 'note') },
    ],
    terminalWidth,
  )
}

export function stepsOf(saga: Item): readonly Item[] {
  return items(saga['steps'], 'steps')
}

/** Tells whether a step is not at its end. */
export function isOpenStep(step: Item): boolean {
  return openStates.includes(text(step, 'state'))
}

/** By the clock of the database, which may be another than ours: it says for how long nothing was done. */
function nowOf(saga: Item): number {
  const changed = stepsOf(saga).map((step) => Date.parse(text(step, 'changedAt')))
  const progressed = Date.parse(text(saga, 'progressedAt')) + number(saga, 'idleSeconds') * 1000
  return Math.max(progressed, ...changed)
}

/** `====` was under way and ended, `--->` still is. */
function bar({ begunMs, endMs, isOpen }: Line, startMs: number, spanMs: number): string {
  const cell = (atMs: number): number => ((atMs - startMs) / spanMs) * width
  const from = Math.max(0, Math.min(width - 1, Math.floor(cell(begunMs))))
  const long = Math.max(1, Math.min(width, Math.ceil(cell(endMs))) - from)
  const body = isOpen ? `${'-'.repeat(long - 1)}>` : '='.repeat(long)
  return `|${' '.repeat(from)}${body}`.padEnd(width + 1).concat('|')
}
