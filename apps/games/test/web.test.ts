import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogFields } from 'estafet'
import * as z from 'zod'
import { type Served, serve } from '../../../engines/application/serve.ts'
import { settingsOf } from '../system/settings.ts'
import { type System, startSystem } from '../system/system.ts'
import { webApp } from '../web/app.ts'

const home = mkdtempSync(join(tmpdir(), 'estafet-games-'))
const lines: LogFields[] = []
const note = (_event: string, fields: LogFields = {}): void => void lines.push(fields)
const logger = { debug: note, info: note, warn: note, error: note }

const problem = z.object({ status: z.number(), errors: z.array(z.object({ field: z.string() })).default([]) })
const finished = z.object({ event_id: z.uuid(), state: z.string() })
const view = z.object({
  outbox: z.array(z.object({ id: z.string(), status: z.string() })),
  topic: z.array(z.object({ id: z.string(), partition: z.number(), offset: z.string() })),
  consumed: z.array(z.object({ event_id: z.string(), consumer_group: z.string() })),
})

describe('the page and the HTTP interface', () => {
  let system: System
  let web: Served
  before(async () => {
    system = await startSystem(settingsOf({ BROKER: 'postgres', GAMES_HOME: home }), logger)
    web = await serve(webApp(system, logger), 0)
  })
  after(async () => {
    await web?.close()
    await system?.stop()
    rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  })

  const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(new URL(path, web.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const game = (id: string) => ({ game_id: id, chat_id: 'c-1' })
  const rows = async () => (await system.games.pool.query('SELECT count(*)::int AS n FROM outbox_events')).rows[0].n

  test('a finished game is seen in the outbox, in the topic and as consumed, live', async () => {
    const watching = new AbortController()
    const seen = watch(new URL('/api/live', web.url), watching.signal)
    const { event_id: id } = finished.parse(await (await post('/api/games', game('live'))).json())
    for await (const { outbox, topic, consumed } of seen) {
      const isSent = outbox.some((row) => row.id === id && row.status === 'sent')
      const isThere = topic.some((message) => message.id === id)
      if (isSent && isThere && consumed.some((row) => row.event_id === id)) break
    }
    watching.abort()
  })

  test('an idempotency key makes finishing a game twice once, and is refused for another game', async () => {
    const key = { 'idempotency-key': 'key-1' }
    const [first, again] = [await post('/api/games', game('once'), key), await post('/api/games', game('once'), key)]
    assert.deepEqual([first.status, again.status], [201, 200])
    const [one, two] = [finished.parse(await first.json()), finished.parse(await again.json())]
    assert.deepEqual([one.event_id, one.state, two.state], [two.event_id, 'new', 'known'])
    const other = await post('/api/games', game('other'), key)
    assert.deepEqual([other.status, await fieldsOf(other)], [409, ['idempotency-key']])
  })

  test('the correlation id of the request is in the message, in the log of its effect, and in the answer', async () => {
    const answer = await post('/api/games', game('traced'), { 'x-correlation-id': 'request-7' })
    assert.equal(answer.headers.get('x-correlation-id'), 'request-7')
    const { event_id: id } = finished.parse(await answer.json())
    const isLogged = (): boolean =>
      lines.some((line) => line['correlation_id'] === 'request-7' && line['message_id'] === id)
    await eventually(async () => isLogged())
  })

  const bad: readonly (readonly [string, number, readonly string[], unknown, Record<string, string>?])[] = [
    ['missing fields', 422, ['chat_id', 'game_id'], {}],
    ['empty and strange ids', 422, ['chat_id', 'game_id'], { game_id: '', chat_id: 'a b' }],
    ['an unknown field', 422, ['score'], { ...game('g'), score: 1 }],
    ['no JSON', 400, ['(body)'], '{"game'],
    ['another content type', 415, ['(body)'], game('g'), { 'content-type': 'text/plain' }],
    ['an unfit correlation id', 422, ['x-correlation-id'], game('g'), { 'x-correlation-id': 'a b' }],
    ['a page from elsewhere', 403, [], game('g'), { origin: 'http://elsewhere.example' }],
    ['too much', 413, [], { pad: 'x'.repeat(20_000) }],
  ]
  for (const [name, status, fields, body, headers] of bad) {
    test(`${name}: ${status}, a problem document, and nothing written`, async () => {
      const before = await rows()
      const answer = await post('/api/games', body, headers)
      assert.equal(answer.status, status)
      assert.equal(answer.headers.get('content-type'), 'application/problem+json')
      assert.deepEqual(await fieldsOf(answer), fields)
      assert.equal(await rows(), before)
    })
  }

  test('a group is started by its name, and a bad name is refused', async () => {
    assert.equal((await post('/api/groups', { group: 'second-look' })).status, 201)
    assert.ok(system.groups().includes('second-look'))
    const refused = await post('/api/groups', { group: 'Second Look' })
    assert.deepEqual([refused.status, await fieldsOf(refused)], [422, ['group']])
    for (const name of ['a', 'b', 'c', 'd']) await post('/api/groups', { group: name })
    assert.equal((await post('/api/groups', { group: 'one-too-many' })).status, 409)
    assert.equal((await post('/api/groups', { group: 'second-look' })).status, 201)
  })

  test('the page runs nothing but its own script, which writes text only', async () => {
    const answer = await fetch(web.url)
    assert.match(answer.headers.get('content-security-policy') ?? '', /default-src 'none'; script-src 'self'/)
    const html = await answer.text()
    assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|\son\w+=|style=|javascript:/i)
    const script = await (await fetch(new URL('/page.js', web.url))).text()
    assert.doesNotMatch(script, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/)
    for (const [, path = ''] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
      assert.equal((await fetch(new URL(path, web.url))).status, 200, path)
    }
    const ids = [...script.matchAll(/byId\('(\w+)'\)/g)].map(([, id]) => id)
    assert.ok(ids.length > 3)
    assert.deepEqual(
      ids.filter((id) => !html.includes(`id="${id}"`)),
      [],
    )
  })

  test('a name that points here from elsewhere is refused', async () => {
    const status = await new Promise((resolve, reject) => {
      request(web.url, { headers: { host: 'elsewhere.example' } }, (answer) => resolve(answer.statusCode))
        .once('error', reject)
        .end()
    })
    assert.equal(status, 403)
  })

  test('it serves its OpenAPI document and its health, and knows nothing else', async () => {
    const document = z.object({ paths: z.record(z.string(), z.unknown()) })
    const { paths } = document.parse(await (await fetch(new URL('/openapi.json', web.url))).json())
    assert.deepEqual(Object.keys(paths).toSorted(), ['/api/games', '/api/groups', '/health/ready'])
    // A group that was started just now is not ready at once.
    const isReady = async (): Promise<boolean> => (await fetch(new URL('/health/ready', web.url))).status === 200
    await eventually(isReady)
    assert.equal((await fetch(new URL('/nothing', web.url))).status, 404)
  })

  test('its README fits on a page', () => {
    const lines = readFileSync(new URL('../README.md', import.meta.url), 'utf8').split('\n')
    assert.ok(lines.length <= 60, `${lines.length} lines`)
  })
})

async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error('not seen within 30 s')
    await sleep(25)
  }
}

/** The views that a server-sent stream tells of. */
async function* watch(url: URL, signal: AbortSignal): AsyncGenerator<z.infer<typeof view>> {
  const { body } = await fetch(url, { signal })
  let text = ''
  for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part
    const events = text.split('\n\n')
    text = events.pop() ?? ''
    for (const event of events) yield view.parse(JSON.parse(event.replace(/^data: /, '')))
  }
}

async function fieldsOf(answer: Response): Promise<readonly string[]> {
  return problem
    .parse(await answer.json())
    .errors.map(({ field }) => field)
    .toSorted()
}
