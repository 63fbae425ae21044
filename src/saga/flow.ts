import { EstafetError } from '../message/errors.ts'
import type { EventType } from '../message/event.ts'
import type { FlowEvent, FlowView, OpenExpectation } from '../ports/flows.ts'

type AnyEvent = EventType<never, unknown>

/** That one of some events follows another, in time. */
export interface Expectation {
  readonly after: AnyEvent
  readonly oneOf: readonly AnyEvent[]
  /** From the time of `after`, in milliseconds: whoever should have answered is late from then on. */
  readonly withinMs: number
  /** How many of `after` one answer is for, when there are several in one flow. (Default: one, each wants its own.) */
  readonly answers?: 'one' | 'all'
}

export interface FlowOptions {
  readonly begins: AnyEvent
  readonly expects: readonly Expectation[]
  /** After these nothing is expected. Every event that is named is one of them, or something is expected after it. */
  readonly ends: readonly AnyEvent[]
}

/** What services do for one request by answering each other's events, nobody being in charge: as it should go. */
export interface Flow {
  readonly name: string
  /** All that are named in it, each once. */
  readonly events: readonly AnyEvent[]
  /** What follows from the events of one flow: the same, in whatever order they came. There is one at least. */
  readonly view: (events: readonly FlowEvent[]) => FlowView
}

/**
 * Defines a flow: `flow('trip', { begins: TripRequested, expects: [{ after: TripRequested, oneOf: [RoomReserved, RoomRefused],
 * withinMs: 60_000 }, ...], ends: [TripPaid, RoomRefused] })`. It changes nothing in what services do: it says what to see in it.
 *
 * A flow is at its end when all that was expected has happened. Throws MISCONFIGURED, with all faults at once, also when it
 * could stand still with nothing expected.
 */
export function flow(name: string, { begins, expects, ends }: FlowOptions): Flow {
  const events = [...new Set([begins, ...expects.flatMap(({ after, oneOf }) => [after, ...oneOf]), ...ends])]
  refuseFaults(name, { begins, expects, ends }, events)
  return {
    name,
    events,
    view(happened) {
      const byType = Map.groupBy(happened.toSorted(byTime), ({ type }) => type)
      const begun = byType.get(begins.type)?.[0]
      const awaited = expects.flatMap((each) => openExpectation(each, byType)).sort(byUntil)
      const last = happened.toSorted(byTime).at(-1)
      return {
        status: begun === undefined ? 'unbegun' : awaited.length > 0 ? 'waiting' : 'ended',
        begunAt: begun?.at ?? null,
        lastAt: last?.at ?? '',
        awaited,
        dueAt: awaited[0]?.until ?? null,
      }
    },
  }
}

/** By counts and not by who came first: topics have no common order. */
function openExpectation(
  { after, oneOf, withinMs, answers = 'one' }: Expectation,
  byType: ReadonlyMap<string, readonly FlowEvent[]>,
): readonly OpenExpectation[] {
  const types = typesOf(oneOf)
  const asked = byType.get(after.type) ?? []
  const answered = types.reduce((sum, type) => sum + (byType.get(type)?.length ?? 0), 0)
  const followed = answers === 'all' && answered > 0 ? asked.length : answered
  const first = asked[followed]
  if (first === undefined) return []
  const until = new Date(Date.parse(first.at) + withinMs).toISOString()
  return [{ after: after.type, oneOf: types, count: asked.length - followed, since: first.at, until }]
}

/** To the millisecond; by their ids, where it is the same: an order that does not depend on who looks. */
function byTime(a: FlowEvent, b: FlowEvent): number {
  return Date.parse(a.at) - Date.parse(b.at) || order(a.id, b.id) || order(a.source, b.source)
}

function byUntil(a: OpenExpectation, b: OpenExpectation): number {
  return order(a.until, b.until) || order(a.after, b.after) || order(a.oneOf.join(), b.oneOf.join())
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

function typesOf(events: readonly AnyEvent[]): readonly string[] {
  return [...new Set(events.map(({ type }) => type))]
}

const longestMs = 10 * 366 * 86_400_000

function refuseFaults(name: string, { begins, expects, ends }: FlowOptions, events: readonly AnyEvent[]): void {
  const faults: string[] = []
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) faults.push(`the name ${JSON.stringify(name)} must be 1 to 63 of a-z 0-9 -`)
  for (const { after, oneOf, withinMs } of expects) {
    if (oneOf.length === 0) faults.push(`nothing is named to follow ${after.type}`)
    if (!Number.isSafeInteger(withinMs) || withinMs < 1 || withinMs > longestMs) {
      faults.push(`after ${after.type} withinMs must be 1 to ${longestMs}, not ${withinMs}`)
    }
  }
  const [left, last] = [typesOf(expects.map(({ after }) => after)), typesOf(ends)]
  for (const type of typesOf(events)) {
    if (last.includes(type) && left.includes(type))
      faults.push(`${type} ends it, and yet something is expected after it`)
    if (!last.includes(type) && !left.includes(type)) {
      faults.push(`it stands still after ${type}: say what is expected, or that it ends`)
    }
  }
  for (const type of last) {
    const isExpected = expects.some(({ oneOf }) => typesOf(oneOf).includes(type))
    if (!isExpected && type !== begins.type) faults.push(`it ends with ${type}, which nothing expects`)
  }
  if (last.includes(begins.type)) faults.push(`it ends with ${begins.type}, with which it begins`)
  if (faults.length > 0) {
    throw new EstafetError('MISCONFIGURED', `The flow ${JSON.stringify(name)} is misdefined: ${faults.join('; ')}.`)
  }
}
