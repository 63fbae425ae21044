import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FeedSource, isEstafetError, type LogFields, type StoredMessage } from 'estafet'
import pg from 'pg'
import * as z from 'zod'
import { serve } from '../../../engines/application/serve.ts'
import { settingsOf } from '../system/settings.ts'
import { type System, startSystem } from '../system/system.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
  /** Of a problem document. */
  readonly fields: readonly string[]
}

export interface Call {
  readonly token?: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

export interface Member {
  readonly id: string
  readonly email: string
  readonly token: string
}

/** The application, running as `npm start` runs it, and those who use it. */
export interface Team {
  readonly system: System
  readonly url: string
  readonly home: string
  /** What was logged. */
  readonly lines: readonly LogFields[]
  readonly admin: Member
  call(method: string, path: string, call?: Call): Promise<Answer>
  /** Registers somebody and signs him in. */
  member(): Promise<Member>
  /** Makes a task and returns its id. */
  task(by: Member, title: string, workers?: readonly Member[]): Promise<string>
  /** What somebody was told, oldest first. */
  inbox(of: Member): Promise<readonly Told[]>
  /** As the superuser, in the database of a service. */
  sql(service: string, text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>
  /** `keep`: the folder stays, for another start. */
  stop(then?: 'remove' | 'keep'): Promise<void>
}

export interface People {
  readonly owner: Member
  readonly worker: Member
  readonly other: Member
}

const told = z.object({ kind: z.string(), task_id: z.string(), text: z.string(), status: z.string() })
export type Told = z.infer<typeof told>

const problem = z.object({ errors: z.array(z.object({ field: z.string() })).default([]) })
const withId = z.object({ id: z.uuid() })
const adminPassword = 'correct horse battery'

export async function startTeam(environment: Record<string, string>): Promise<Team> {
  const home = environment['TASKS_HOME'] ?? mkdtempSync(join(tmpdir(), 'estafet-tasks-'))
  const lines: LogFields[] = []
  const note = (_event: string, fields: LogFields = {}): void => void lines.push(fields)
  const logger = { debug: note, info: note, warn: note, error: note }
  const given = { ADMIN_EMAIL: 'boss@example.com', ADMIN_PASSWORD: adminPassword, TASKS_HOME: home }
  const system = await startSystem(settingsOf({ ...given, ...environment }), logger)
  const web = await serve(system.app, 0)
  const pools = new Map<string, pg.Pool>()

  async function call(method: string, path: string, { token, body, headers = {} }: Call = {}): Promise<Answer> {
    const answer = await fetch(new URL(path, web.url), {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    const isProblem = answer.headers.get('content-type') === 'application/problem+json'
    if (answer.status >= 400 && answer.status !== 503) assert.ok(isProblem, `${answer.status} is no problem document`)
    const isJson = answer.headers.get('content-type')?.includes('json') === true
    const read: unknown = isJson ? JSON.parse(text) : text
    const fields = isProblem ? problem.parse(read).errors.map(({ field }) => field) : []
    return { status: answer.status, headers: answer.headers, body: read, fields: fields.toSorted() }
  }

  async function signedIn(email: string, password: string): Promise<Member> {
    const login = await call('POST', '/api/auth/login', { body: { email, password } })
    const { access_token: token } = z.object({ access_token: z.string() }).parse(login.body)
    const [, claims = ''] = token.split('.')
    const { sub: id } = z.object({ sub: z.uuid() }).parse(JSON.parse(Buffer.from(claims, 'base64url').toString()))
    return { id, email, token }
  }

  const admin = await signedIn('boss@example.com', adminPassword)
  return {
    ...{ system, url: web.url, home, lines, admin, call },
    async member() {
      const [email, password] = [`${randomUUID()}@example.com`, 'a password of some length']
      const made = await call('POST', '/api/auth/register', { body: { email, password, name: 'Somebody' } })
      assert.equal(made.status, 201)
      return await signedIn(email, password)
    },
    async task(by, title, workers = []) {
      const body = { title, worker_ids: workers.map(({ id }) => id) }
      const made = await call('POST', '/api/tasks/', { token: by.token, body })
      assert.equal(made.status, 201)
      return withId.parse(made.body).id
    },
    async inbox({ token }) {
      const { body } = await call('GET', '/api/notifications', { token })
      return z
        .object({ items: z.array(told) })
        .parse(body)
        .items.toReversed()
    },
    async sql(service, text, values = []) {
      const url = new URL(system.server.adminUrl)
      url.pathname = `/team_${service}`
      const pool = pools.get(service) ?? new pg.Pool({ connectionString: url.href, max: 2 })
      pools.set(service, pool)
      return (await pool.query<Record<string, unknown>>(text, [...values])).rows
    },
    async stop(then = 'remove') {
      await Promise.all([...pools.values()].map((pool) => pool.end()))
      await web.close()
      await system.stop()
      if (then === 'remove') rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    },
  }
}

/** All messages of a topic of the events' broker, as its readers get them. */
export async function published(team: Team, topic: string): Promise<readonly StoredMessage[]> {
  return await messagesOf(team.system.brokers.events.topic(topic, 'notifications', 'test-reader'))
}

export async function messagesOf({ feed }: FeedSource): Promise<readonly StoredMessage[]> {
  const { lanes } = await feed.open()
  await eventually(
    () => feed.ends().catch((error: unknown) => error),
    // Of what is being written just now.
    (seen) => !isEstafetError(seen, 'UNAVAILABLE'),
  )
  const pages = Array.from({ length: lanes }, (_, lane) => feed.fetch(lane, 0n, 10_000))
  return (await Promise.all(pages)).flatMap(({ deliveries }) => deliveries.map(({ message }) => message))
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
