import type { ImportedLetter } from '../ports/dead-letter-decisions.ts'
import type { DeadLetter } from '../ports/dead-letters.ts'
import type { Call, RouteHandler } from './call.ts'
import { contentOf } from './content.ts'
import { decisionOf, refuseUndone, selectionOf } from './deciding.ts'
import { isStorable } from './params.ts'
import { Refusal } from './refusal.ts'
import { maskFor } from './visible.ts'

/** Dead letters of one export: what a person can look at, and what one answer should hold. */
const exportedAtMost = 10_000

export const deadLetterExport: RouteHandler = async (call) => ({ lines: exportLines(call) })

async function* exportLines(call: Call): AsyncGenerator<object> {
  const { running, operations } = call
  const selection = selectionOf(call)
  let left = exportedAtMost
  for (let after: bigint | null = null; left > 0; ) {
    const page = { after, limit: Math.min(100, left), isWithPayload: true }
    const { items, next } = await operations.deadLetters.list(running.subscription, selection, page)
    for (const letter of items) yield exportedLetter(call, letter)
    left -= items.length
    if (next === null) return
    after = next
  }
}

/** As bytes, because they must come back as they were; unless something in them is hidden. */
function exportedLetter(call: Call, letter: DeadLetter): object {
  const { payload, ...rest } = letter
  const bytes = payload ?? new Uint8Array()
  const content = contentOf(bytes, maskFor(call, letter.type))
  if (content.masked.length > 0) return { ...rest, ...content }
  return { ...rest, payload: content.payload, masked: [], base64: Buffer.from(bytes).toString('base64') }
}

export const deadLetterImport: RouteHandler = async (call) => {
  const { params, running, operations } = call
  const letters = params.records('items').map(importedLetter)
  const { lanes } = await operations.control.state(running.subscription)
  for (const { feed, lane } of letters) {
    if (lanes.some((each) => each.feed === feed && each.lane === lane)) continue
    throw new Refusal('INVALID_REQUEST', 'A line is of a feed or lane that this service does not have.')
  }
  const expected = params.count('expect')
  if (expected === null) return { outcome: 'preview', count: letters.length }
  const decided = await operations.decisions.take(running.subscription, letters, expected, decisionOf(call))
  refuseUndone(decided, 'lines')
  return decided
}

function importedLetter(line: Readonly<Record<string, unknown>>, at: number): ImportedLetter {
  const masked = line['masked']
  if (!Array.isArray(masked) || masked.length > 0)
    throw wrong(at, 'masked', 'an export with hidden fields cannot come back')
  const read = readerOf(line, at)
  return {
    message: {
      ...{
        source: read.text('source'),
        epoch: read.text('epoch'),
        position: BigInt(read.text('position', /^\d{1,18}$/)),
      },
      ...{ time: read.text('time', instant), id: read.text('id'), type: read.text('type'), topic: read.text('topic') },
      ...{ version: read.count('version', 32_767), key: read.text('key'), correlationId: read.text('correlationId') },
      ...{ causationId: read.textOrNull('causationId'), traceparent: read.textOrNull('traceparent') },
      headers: headersOf(line['headers'], at),
    },
    payload: Buffer.from(read.text('base64', /^[A-Za-z0-9+/]*={0,2}$/), 'base64'),
    ...{ feed: read.text('feed'), lane: read.count('lane', 32_767), handler: read.textOrNull('handler') },
    ...{ errorName: read.textOrNull('errorName'), errorMessage: read.textOrNull('errorMessage') },
    ...{ fingerprint: read.textOrNull('fingerprint'), failedAt: read.textOrNull('failedAt', instant) },
  }
}

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/

function readerOf(line: Readonly<Record<string, unknown>>, at: number) {
  const textOrNull = (field: string, pattern?: RegExp): string | null => {
    const value = line[field] ?? null
    if (value === null) return null
    const isFine = typeof value === 'string' && isStorable(value) && (pattern === undefined || pattern.test(value))
    if (!isFine || (pattern === instant && Number.isNaN(Date.parse(value))))
      throw wrong(at, field, 'it is not as exported')
    return value
  }
  return {
    textOrNull,
    text(field: string, pattern?: RegExp): string {
      const value = textOrNull(field, pattern)
      if (value === null) throw wrong(at, field, 'it is missing')
      return value
    },
    count(field: string, max: number): number {
      const value = line[field]
      if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max) return value
      throw wrong(at, field, 'it is no whole number in its range')
    },
  }
}

function headersOf(value: unknown, at: number): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) throw wrong(at, 'headers', 'it is missing')
  const entries: readonly [string, unknown][] = Object.entries(value)
  return Object.fromEntries(
    entries.map(([name, text]) => {
      if (typeof text !== 'string' || !isStorable(text) || !isStorable(name))
        throw wrong(at, 'headers', 'they are no texts')
      return [name, text]
    }),
  )
}

function wrong(at: number, field: string, why: string): Refusal {
  return new Refusal('INVALID_REQUEST', `Line ${at + 1} cannot be taken in, for its ${field}: ${why}.`)
}
