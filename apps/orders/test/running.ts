import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogFields } from 'estafet'
import * as z from 'zod'
import { serve } from '../../../engines/application/serve.ts'
import { settingsOf } from '../system/settings.ts'
import { type System, startSystem } from '../system/system.ts'
import { webApp } from '../web/app.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
  /** Of a problem document. */
  readonly fields: readonly string[]
}

/** The application, running as `npm start` runs it, and who uses it. */
export interface Running {
  readonly system: System
  readonly home: string
  /** What was logged. */
  readonly lines: readonly LogFields[]
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** `keep`: the folder stays, for another start. */
  stop(then?: 'remove' | 'keep'): Promise<void>
}

const problem = z.object({ errors: z.array(z.object({ field: z.string() })).default([]) })
const order = z.object({ id: z.string(), version: z.number() })

export const idOf = ({ body }: Answer): string => order.parse(body).id

/** What a reader sends back to see what he wrote. */
export const positionOf = ({ headers }: Answer): Record<string, string> => {
  const position = headers.get('estafet-position')
  assert.ok(position !== null)
  return { 'estafet-position': position }
}

export async function startRunning(environment: Record<string, string> = {}): Promise<Running> {
  const home = environment['ORDERS_HOME'] ?? mkdtempSync(join(tmpdir(), 'estafet-orders-'))
  const lines: LogFields[] = []
  const note = (_event: string, fields: LogFields = {}): void => void lines.push(fields)
  const logger = { debug: note, info: note, warn: note, error: note }
  const system = await startSystem(settingsOf({ ORDERS_HOME: home, ...environment }), logger)
  const web = await serve(webApp(system, logger), 0)
  return {
    ...{ system, home, lines },
    async call(method, path, body, headers = {}) {
      const answer = await fetch(new URL(path, web.url), {
        method,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await answer.text()
      const isProblem = answer.headers.get('content-type') === 'application/problem+json'
      if (answer.status >= 400) assert.ok(isProblem, `${answer.status} is no problem document: ${text}`)
      const read: unknown = answer.headers.get('content-type')?.includes('json') === true ? JSON.parse(text) : text
      const fields = isProblem ? problem.parse(read).errors.map(({ field }) => field) : []
      return { status: answer.status, headers: answer.headers, body: read, fields: fields.toSorted() }
    },
    async stop(then = 'remove') {
      await web.close()
      await system.stop()
      if (then === 'remove') rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    },
  }
}

/** Looks until it is so; rejects with what was seen last. */
export async function eventually<Seen>(look: () => Promise<Seen>, isSo: (seen: Seen) => boolean): Promise<Seen> {
  const deadline = performance.now() + 30_000
  for (;;) {
    const seen = await look()
    if (isSo(seen)) return seen
    if (performance.now() > deadline)
      throw new Error(`not seen within 30 s, but: ${JSON.stringify(seen).slice(0, 500)}`)
    await sleep(25)
  }
}
