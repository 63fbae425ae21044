import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import type { Reconciliation } from '../reconciliation/reconcile.ts'
import { type Mended, parkedEvents, verdict } from '../reconciliation/report.ts'
import { serviceNames } from '../system/services.ts'
import type { System } from '../system/system.ts'

const preview = z.object({ outcome: z.string(), count: z.number() })
const job = z.object({ number: z.string(), state: z.string() })
const started = preview.extend({ number: z.string() })

/**
 * Says what is parked, mends the fault, and brings all dead letters back over the ops API of each service: one first, then
 * ten, then the rest. Resolves when the jobs have ended.
 */
export async function mend(
  system: System,
  before: Reconciliation,
  { signal, say }: { readonly signal: AbortSignal; readonly say: (text: string) => void },
): Promise<Mended> {
  say('')
  for (const line of parkedEvents(before)) say(line)
  say(verdict(before))
  writeFileSync(system.mended, '')
  say('The fault is mended. Redriving ...')
  const redriven: Record<string, number> = {}
  for (const name of serviceNames) redriven[name] = await redrive(system, name, signal)
  return { before, redriven }
}

async function redrive(system: System, name: string, signal: AbortSignal): Promise<number> {
  const ask = async <Answer>(schema: z.ZodType<Answer>, path: string, body?: object): Promise<Answer> => {
    const response = await fetch(`${system.opsUrl(name)}/ops/v1${path}`, {
      signal,
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${system.opsToken}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${name} answered ${response.status} to ${path}`)
    return schema.parse(await response.json())
  }
  const { count } = await ask(preview, '/redrives', {})
  if (count === 0) return 0
  const wanted = { expect: count, isCanary: true, reason: 'the fault is mended', requestId: `mend-${name}` }
  const { number } = await ask(started, '/redrives', wanted)
  for (;;) {
    const { state } = await ask(job, `/redrives/${number}`)
    if (state === 'done') return count
    if (state !== 'running') throw new Error(`The redrive of ${name} is ${state}: something failed again.`)
    await sleep(100, undefined, { signal })
  }
}
