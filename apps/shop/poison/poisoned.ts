import { existsSync } from 'node:fs'
import { type Handler, rejected, type Service, type StoredMessage } from 'estafet'
import type { Sql } from 'estafet/postgres'
import * as z from 'zod'

/** Which events fail on purpose, and until when. */
export const poison = z.object({
  /** Of all events that a service takes. */
  share: z.number().gt(0).max(1),
  /** A file: once it exists, the fault is mended. */
  mended: z.string(),
})
export type Poison = z.infer<typeof poison>

/** How an event fails: for good until the fault is mended, or twice and then no more. */
export type PoisonKind = 'rejected' | 'shaky'

/** What a service, an event's type and its key decide between them: the same in every run. */
export function poisonKind(
  service: string,
  event: Pick<StoredMessage, 'type' | 'key'>,
  share: number,
): PoisonKind | null {
  const drawn = fraction(`${service}/${event.type}/${event.key}`)
  if (drawn >= share) return null
  return drawn < share / 2 ? 'rejected' : 'shaky'
}

/** A service whose handlers fail on purpose for some events, as a fault of its own would make them. */
export function poisoned(service: Service<Sql>, plan: Poison): Service<Sql> {
  const failures = new Map<string, number>()
  const refuse = (event: StoredMessage): void => {
    const kind = poisonKind(service.name, event, plan.share)
    if (kind === null || existsSync(plan.mended)) return
    if (kind === 'rejected') throw rejected('This event is poisoned on purpose.')
    const times = (failures.get(event.id) ?? 0) + 1
    failures.set(event.id, times)
    if (times <= 3) throw new ShakyDependency('A dependency is shaky on purpose.')
  }
  const handlers = service.handlers.map(
    (handler): Handler<Sql> => ({
      ...handler,
      run(events, context) {
        for (const event of events) refuse(event)
        return handler.run(events, context)
      },
    }),
  )
  return { ...service, handlers }
}

class ShakyDependency extends Error {
  override readonly name = 'ShakyDependency'
}

/** FNV-1a of the text, mixed, as a number in [0, 1). */
function fraction(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 4_294_967_296
}
