import { EstafetError } from 'estafet'
import * as z from 'zod'
import type { Subject } from './subject.ts'

export interface WantedReplay {
  readonly topic: string
  /** History comes again after this position in each partition; 0 for all of it. */
  readonly position?: number | undefined
  /** Or from this instant on. */
  readonly time?: string | undefined
}

export interface Done {
  readonly outcome: 'done'
  readonly count: number
}
export interface Refused {
  readonly outcome: 'missing' | 'refused'
  readonly says: string
}

const number = z.union([z.string(), z.number()])
const preview = z.object({ count: z.number(), reached: z.array(number) })
const counted = z.object({ count: z.number() })
const refusal = z.object({ error: z.object({ message: z.string() }) })

/** Delivers the history of a topic to a service again. What is unique there stays as it is; what is gone is made again. */
export async function replay(subject: Subject, wanted: WantedReplay, reason: string): Promise<Done | Refused> {
  const path = `/subscriptions/${encodeURIComponent(`topic:${wanted.topic}`)}/replay`
  const from = wanted.time === undefined ? { to: String(wanted.position ?? 0) } : { time: wanted.time }
  const seen = await subject.ask('POST', `${path}/preview`, from)
  if (seen.status !== 200) return refused(seen)
  const { count, reached } = preview.parse(seen.body)
  const done = await subject.ask('POST', path, { ...from, reached: reached.map(String), expect: count, reason })
  return done.status === 200 ? { outcome: 'done', count: counted.parse(done.body).count } : refused(done)
}

function refused({ status, body }: { readonly status: number; readonly body: unknown }): Refused {
  if (status >= 500) throw new EstafetError('UNAVAILABLE', 'The history cannot be read just now.')
  const said = refusal.safeParse(body).data?.error.message
  return { outcome: status === 404 ? 'missing' : 'refused', says: said ?? 'It was refused.' }
}
