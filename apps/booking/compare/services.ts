import * as z from 'zod'
import { forms, states } from '../booking/trips.ts'
import { type ServiceName, serviceNames } from '../system/services.ts'
import type { System } from '../system/system.ts'

const foundTrip = z.object({
  ...{ tripId: z.string(), form: z.enum(forms), state: z.enum(states), refusal: z.string().nullable() },
  kept: z.string().nullable(),
  went: z.array(z.object({ state: z.enum(states), at: z.string() })),
})
export type FoundTrip = z.infer<typeof foundTrip>

const saidMessage = z.object({
  ...{ id: z.string(), type: z.string(), source: z.enum(serviceNames), causationId: z.string().nullable() },
  time: z.string(),
})
/** A message as it stands in the log of the service that sent it. */
export type SaidMessage = z.infer<typeof saidMessage>

const messages = z.object({ items: z.array(saidMessage) })
const waits = z.object({ why: z.string() })

/** The services as a browser's server sees them: by their HTTP interfaces, and by the ops API for what happened inside. */
export interface Services {
  ask(path: string, body: object, correlationId: string): Promise<Response>
  trip(tripId: string): Promise<FoundTrip>
  /** All that follows from one request, the oldest first; a service that is down says nothing just now. */
  said(correlationId: string): Promise<readonly SaidMessage[]>
  /** Why a trip is where it is, in a sentence; null when nobody can say. */
  why(trip: FoundTrip, correlationId: string): Promise<string | null>
  kill(service: ServiceName): void
}

export function servicesOf(system: System): Services {
  const url = (): string => String(system.supervisor.announcements()['booking']?.['url'] ?? 'http://127.0.0.1:9')
  const inside = async <Schema extends z.ZodType>(
    service: ServiceName,
    path: string,
    schema: Schema,
  ): Promise<z.infer<Schema> | null> => {
    const headers = { authorization: `Bearer ${system.opsToken}` }
    const answer = await fetch(`${system.opsUrl(service)}/ops/v1${path}`, { headers }).catch(() => null)
    if (answer?.ok !== true) {
      await answer?.body?.cancel()
      return null
    }
    return schema.parse(await answer.json())
  }
  return {
    ask(path, body, correlationId) {
      const headers = { 'content-type': 'application/json', 'x-correlation-id': correlationId }
      return fetch(`${url()}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    },
    async trip(tripId) {
      return foundTrip.parse(await (await fetch(`${url()}/trips/${tripId}`)).json())
    },
    async said(correlationId) {
      const path = `/log/messages?correlationId=${encodeURIComponent(correlationId)}&limit=100`
      const all = await Promise.all(serviceNames.map((service) => inside(service, path, messages)))
      return all.flatMap((found) => found?.items ?? []).sort((a, b) => Date.parse(a.time) - Date.parse(b.time))
    },
    async why({ tripId, form }, correlationId) {
      const id = encodeURIComponent(form === 'orchestrated' ? tripId : correlationId)
      const path = form === 'orchestrated' ? `/sagas/${id}` : `/flows/trip/${id}`
      return (await inside('booking', path, waits))?.why ?? null
    },
    kill(service) {
      const pid = system.supervisor.pids()[service]
      if (pid !== undefined) process.kill(pid, 'SIGKILL')
    },
  }
}
