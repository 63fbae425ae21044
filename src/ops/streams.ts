import type { AnyDecider } from '../event-sourcing/decider.ts'
import { foldEvents } from '../event-sourcing/fold.ts'
import type { Change } from '../event-sourcing/time-travel.ts'
import { EstafetError } from '../message/errors.ts'
import type { RecordedEvent, StreamName } from '../ports/event-store.ts'
import type { Call, RouteHandler } from './call.ts'
import { contentOf } from './content.ts'
import { beginning, endOf, type Past, pagesOf, reach, type ShownStreams, versionAt } from './past.ts'
import { Refusal } from './refusal.ts'
import { isAtLeast } from './role.ts'
import { type StateView, stateView } from './state-view.ts'
import { maskOf } from './visible.ts'

export const streamEvents: RouteHandler = async (call) => {
  const [streams, stream] = [streamsOf(call), nameOf(call)]
  const [after, limit] = [call.params.count('after') ?? 0, Math.max(1, call.params.count('limit') ?? 100)]
  const page = await streams.read(stream, { after, upTo: null, limit })
  if (page.length === 0) await requireStream(streams, stream)
  const last = page.length < limit ? undefined : page.at(-1)
  const items = page.map((event) => eventView(call, streams.deciders.get(stream.type), event))
  return { items, next: last === undefined ? null : BigInt(last.streamVersion) }
}

export const streamState: RouteHandler = async (call) => {
  const [version, time] = [call.params.count('version'), call.params.text('time')]
  if (version !== null && time !== null) {
    throw new Refusal('INVALID_REQUEST', 'The request is wrong: it gives version and time; give one of them.')
  }
  const { past, view } = await pastOf(call)
  const reached = await reach(past, beginning(past), time === null ? version : await versionAt(past, time))
  const state = view.shown(reached.state) ?? null
  return { stream: past.stream, version: reached.version, time: reached.time, state, masked: view.masked }
}

export const streamDiff: RouteHandler = async (call) => {
  const { past, view } = await pastOf(call)
  const to = call.params.count('to')
  const from = call.params.count('from') ?? Math.max(0, (await endOf(past, to)) - 1)
  if (to !== null && from > to) throw new Refusal('INVALID_REQUEST', 'The request is wrong: from is after to.')
  const before = await reach(past, beginning(past), from)
  if (before.version < from) {
    throw new Refusal('INVALID_REQUEST', 'The request is wrong: the stream ends before from.', {
      hint: 'Its events have their versions.',
    })
  }
  const after = await reach(past, before, to)
  const changes = view.differences(before.state, after.state)
  return { stream: past.stream, from: before.version, to: after.version, changes, masked: view.masked }
}

export const streamBlame: RouteHandler = async (call) => {
  const path = call.params.text('path') ?? ''
  if (path !== '' && !path.startsWith('/')) {
    throw new Refusal('INVALID_REQUEST', 'The request is wrong: path must begin with /, as in /items/0/price.')
  }
  const { past, view } = await pastOf(call)
  const found = await lastChange(past, view, path)
  if (found === null) {
    throw new Refusal('NOT_FOUND', 'No event of the stream changed what stands at this path.', {
      hint: 'It is as it was at the beginning, or there never was such a value.',
    })
  }
  const { streamVersion, id, type, time, correlationId } = found.event
  return {
    ...{ stream: past.stream, streamVersion, id, type, time, correlationId },
    ...{ change: found.change, masked: view.masked },
  }
}

async function lastChange(
  past: Past,
  view: StateView,
  path: string,
): Promise<{ readonly event: RecordedEvent; readonly change: Change } | null> {
  let { state } = beginning(past)
  let found: { readonly event: RecordedEvent; readonly change: () => Change } | null = null
  for await (const page of pagesOf(past, 0, null)) {
    for (const event of page) {
      const [before, after] = [state, foldEvents(past.of, state, [event])]
      const place = view.changedPlace(path, before, after)
      // What it changed is made ready to be seen only of the last one.
      if (place !== null) found = { event, change: () => view.changeAt(place, before, after) }
      state = after
    }
  }
  return found === null ? null : { event: found.event, change: found.change() }
}

function eventView(call: Call, of: AnyDecider | undefined, event: RecordedEvent): object {
  const { payload, headers, ...envelope } = event
  if (!isAtLeast(call.caller.role, 'payloads')) return envelope
  return {
    ...envelope,
    headers,
    ...contentOf(new TextEncoder().encode(payload), maskOf(call, of?.folds.get(event.type) ?? [])),
  }
}

/** The past that a request asks for, and what of it may be seen. Throws UNSUPPORTED without a decider, and NOT_FOUND. */
async function pastOf(call: Call): Promise<{ readonly past: Past; readonly view: StateView }> {
  const [streams, stream] = [streamsOf(call), nameOf(call)]
  const of = streams.deciders.get(stream.type)
  if (of === undefined) {
    throw new EstafetError(
      'UNSUPPORTED',
      `${call.service.name} gave its ops API no decider for streams of this type, so there are events and no states of it.`,
    )
  }
  await requireStream(streams, stream)
  const mask = isAtLeast(call.caller.role, 'admin') ? [] : of.mask
  return { past: { streams, stream, of, signal: call.signal }, view: stateView(mask) }
}

function streamsOf({ streams, service }: Call): ShownStreams {
  if (streams !== null) return streams
  throw new EstafetError(
    'UNSUPPORTED',
    `${service.name} gave its ops API no streams: serveOps({ streams: { events, deciders } }) shows them.`,
    { details: { service: service.name } },
  )
}

function nameOf({ params }: Call): StreamName {
  return { type: params.text('type') ?? '', id: params.text('id') ?? '' }
}

async function requireStream(streams: ShownStreams, stream: StreamName): Promise<void> {
  const [first] = await streams.read(stream, { after: 0, upTo: null, limit: 1 })
  if (first === undefined) throw new Refusal('NOT_FOUND', 'There is no stream with this type and id.')
}
