import type { FlowRow } from '../ports/flow-search.ts'
import type { OpenExpectation } from '../ports/flows.ts'

/** Says in a sentence for what a flow waits, after what, since when, and for how long that is overdue. */
export function whatIsAwaited(row: Omit<FlowRow, 'number'>): string {
  switch (row.status) {
    case 'ended':
      return 'It is at its end: nothing is awaited any more.'
    case 'unbegun':
      return 'Its beginning was not seen: it may come yet, or its events belong to something else.'
    case 'waiting':
      return row.awaited.map((each) => sentence(each, overdueSeconds(each, row))).join(' ')
  }
}

/** Since one of several things that are awaited was due, in whole seconds; 0 when it is not. */
function overdueSeconds({ until }: OpenExpectation, { dueAt, overdueSeconds: first }: Omit<FlowRow, 'number'>): number {
  if (dueAt === null || first === 0) return 0
  // The row tells how long the first of them is; those that were due later are so for less.
  return Math.max(0, Math.floor(first - (Date.parse(until) - Date.parse(dueAt)) / 1_000))
}

function sentence({ after, oneOf, count, since, until }: OpenExpectation, overdue: number): string {
  const times = count === 1 ? '' : ` (${count} times)`
  const due = overdue === 0 ? `due by ${toTheSecond(until)}` : `overdue by ${overdue} s`
  return `It waits for ${oneOf.join(' or ')} since ${toTheSecond(since)}, after ${after}${times}; ${due}.`
}

function toTheSecond(time: string): string {
  return time.replace(/\.\d+(?=Z$)/, '')
}
