import { randomBytes } from 'node:crypto'
import type { EventType, Logger, Running, Service } from 'estafet'
import { type OpsApi, type OpsStore, ops } from 'estafet/ops'
import * as z from 'zod'
import type { Answered, Subject, TopicLag } from './subject.ts'

export interface SubjectParts<Tx> {
  readonly service: Service<Tx>
  readonly store: OpsStore<Tx> & { readonly operations: Subject['operations'] }
  readonly running: Running
  readonly relays: readonly Running[]
  readonly logger: Logger
  readonly events: readonly EventType<never, unknown>[]
}

const lags = z.object({
  items: z.array(z.object({ feed: z.string(), lag: z.number().nullable(), seconds: z.number().nullable() })),
})
const rate = { perSecond: 500, burst: 1_000 }

/** A running service as a subject, by its ops API, which is asked in this process. */
export function subjectOf<Tx>(parts: SubjectParts<Tx>): Subject {
  const { service, store, running, relays, logger, events } = parts
  const token = randomBytes(32).toString('base64url')
  const tokens = [{ name: 'admin-api', role: 'admin', token }] as const
  // A relay is a subscription of the same database: its lag is what is not sent yet.
  const apiOf = (of: Running): OpsApi =>
    ops({ service, store, running: of, logger, version: '1', events, tokens, rate })
  const own = apiOf(running)
  const sinks = relays.map((relay) => ({ sink: relay.subscription.replace(/^relay:/, ''), api: apiOf(relay) }))
  const lagOf = async (api: OpsApi): Promise<readonly TopicLag[]> => {
    const read = lags.safeParse((await ask(api, token, { method: 'GET', path: '/lag' })).body)
    const items = read.success ? read.data.items : []
    return items.map(({ feed, lag, seconds }) => ({ topic: feed.replace(/^topic:/, ''), messages: lag, seconds }))
  }
  return {
    ...{ name: service.name, running, operations: store.operations },
    ask: (method, path, body) => ask(own, token, { method, path, body }),
    deadLetters: () => store.operations.deadLetters.count(running.subscription, {}, 'all'),
    lag: () => lagOf(own),
    async unsent() {
      const all = sinks.map(async ({ sink, api }) => [sink, (await lagOf(api))[0]?.messages ?? null] as const)
      return Object.fromEntries(await Promise.all(all))
    },
  }
}

async function ask(
  api: OpsApi,
  token: string,
  { method, path, body }: { readonly method: string; readonly path: string; readonly body?: object | undefined },
): Promise<Answered> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  const answer = await api(new Request(`http://localhost/ops/v1${path}`, { method, headers, ...sent }))
  return { status: answer.status, body: await answer.json() }
}
