import { flag, type Item, item, items, number, numberOrNull, text, textOrNull } from './answer.ts'
import { CommandFailure } from './failure.ts'
import { ask, failureOf, type ServiceClient } from './service-client.ts'

/** What one process of a service says of itself, in short. */
export interface Facts {
  readonly service: string
  readonly version: string
  readonly isLive: boolean
  readonly isReady: boolean
  /** Loops that get nothing done although they should. */
  readonly stalled: readonly { readonly name: string; readonly state: string; readonly error: string | null }[]
  readonly feeds: readonly FeedLag[]
  /** Of all feeds that can be read. */
  readonly lag: number
  readonly parkedKeys: number
  readonly parkedMessages: number
  readonly deadLetters: number
  /** Null when its version tells nothing of sagas. */
  readonly sagas: StuckSagas | null
  /** Null when its version tells nothing of flows. */
  readonly flows: OverdueFlows | null
  readonly pausedBy: string | null
  /** How far the service's clock is ahead of this machine's, in ms, and how far that may be wrong. */
  readonly clock: { readonly aheadMs: number; readonly exactMs: number } | null
}

/** Sagas that a person should look at. */
export interface StuckSagas {
  readonly stuck: number
  /** How long the one did not get on that did so for longest. */
  readonly seconds: number
  /** Ids of the first that began. */
  readonly first: readonly string[]
}

/** Flows in which something should have happened by now. */
export interface OverdueFlows {
  readonly overdue: number
  /** The first that were seen. */
  readonly first: readonly { readonly flow: string; readonly correlationId: string; readonly seconds: number }[]
}

export interface FeedLag {
  readonly feed: string
  /** Null when the feed cannot be read; `error` says why. */
  readonly lag: number | null
  readonly error: string | null
}

/** Asks one process for what `status` and `doctor` say of it. */
export async function factsOf(client: ServiceClient): Promise<Facts> {
  const [manifest, health, lags, groups, subscriptions, keys, sagas, flows] = await Promise.all([
    client.get('/manifest'),
    healthOf(client),
    client.all('/lag'),
    client.all('/dead-letters/groups'),
    client.all('/subscriptions'),
    client.all('/parked-keys', {}, 10_000),
    unlessMissing(stuckSagas(client)),
    unlessMissing(overdueFlows(client)),
  ])
  const paused = subscriptions.map((each) => each['paused']).find((each) => each !== null && each !== undefined)
  const feeds = lags.map((each) => ({
    feed: text(each, 'feed'),
    lag: numberOrNull(each, 'lag'),
    error: textOrNull(each, 'error'),
  }))
  return {
    service: client.name,
    version: text(manifest, 'version'),
    isLive: flag(health.answer, 'live'),
    isReady: flag(health.answer, 'ready'),
    stalled: items(health.answer['stalled'], 'stalled').map((each) => ({
      name: text(each, 'name'),
      state: text(each, 'state'),
      error: textOrNull(each, 'error'),
    })),
    feeds,
    lag: feeds.reduce((sum, { lag }) => sum + (lag ?? 0), 0),
    parkedKeys: keys.length,
    parkedMessages: keys.reduce((sum, each) => sum + number(each, 'messages'), 0),
    deadLetters: groups.reduce((sum, each) => sum + number(each, 'count'), 0),
    ...{ sagas, flows },
    pausedBy: paused === undefined ? null : text(item(paused), 'by'),
    clock: health.clock,
  }
}

async function stuckSagas(client: ServiceClient): Promise<StuckSagas> {
  const rows = await client.all('/saga-definitions')
  const stuck = rows.reduce((sum, each) => sum + number(each, 'stuck'), 0)
  const seconds = Math.max(0, ...rows.map((each) => number(each, 'stuckSeconds')))
  const first = stuck === 0 ? [] : await client.all('/sagas', { stuck: true }, 3)
  return { stuck, seconds, first: first.map((each) => text(each, 'id')) }
}

async function overdueFlows(client: ServiceClient): Promise<OverdueFlows> {
  const rows = await client.all('/flow-definitions')
  const overdue = rows.reduce((sum, each) => sum + number(each, 'overdue'), 0)
  const first = overdue === 0 ? [] : await client.all('/flows', { overdue: true }, 3)
  return {
    overdue,
    first: first.map((each) => ({
      ...{ flow: text(each, 'flow'), correlationId: text(each, 'correlationId') },
      seconds: number(each, 'overdueSeconds'),
    })),
  }
}

/** Null when the service has no such route: during a deployment processes of an older version answer, too. */
async function unlessMissing<Value>(answer: Promise<Value>): Promise<Value | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof CommandFailure && error.exit === 'missing') return null
    throw error
  }
}

/** Health answers 503 when it is not well: then it says why, all the same. */
async function healthOf({
  address,
  name,
}: ServiceClient): Promise<{ readonly answer: Item; readonly clock: Facts['clock'] }> {
  const begun = Date.now()
  const answer = await ask(address, '/health', { signal: new AbortController().signal })
  const ended = Date.now()
  if (answer.status !== 200 && answer.status !== 503) throw failureOf(answer, name, '/health')
  return { answer: parsedHealth(answer.body, name), clock: clockOf(answer.date, begun, ended) }
}

/** An answer's date says the second it was made in; it was made between asking and hearing it. */
export function clockOf(date: number | null, begun: number, ended: number): Facts['clock'] {
  if (date === null) return null
  const exactMs = 500 + (ended - begun) / 2
  return { aheadMs: Math.round(date + 500 - (begun + ended) / 2), exactMs: Math.ceil(exactMs) }
}

function parsedHealth(body: string, name: string): Item {
  try {
    return item(JSON.parse(body))
  } catch {
    throw new CommandFailure(
      'unreachable',
      'UNAVAILABLE',
      `${name} does not say how it is.`,
      'See that the address is right.',
    )
  }
}
