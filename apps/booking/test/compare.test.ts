import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import * as z from 'zod'
import { type Comparing, compare } from '../compare/compare.ts'
import { scenarios } from '../compare/scenarios.ts'
import { type System, startSystem } from '../system/system.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const message = z.object({ type: z.string(), kind: z.string(), from: z.string(), to: z.array(z.string()) })
const view = z.object({
  pairs: z.array(
    z.object({
      number: z.number(),
      trips: z.array(
        z.object({
          ...{ form: z.string(), refusal: z.string().nullable(), kept: z.string().nullable() },
          ...{ why: z.string().nullable(), messages: z.array(message) },
          states: z.array(z.object({ state: z.string(), atMs: z.number() })),
        }),
      ),
    }),
  ),
})
type Seen = z.infer<typeof view>['pairs'][number]['trips'][number]

/** How each scenario ends, and how many messages it takes in the one form and in the other. */
const ends: Readonly<Record<string, { state: string; refusal?: string; orchestrated: number; choreographed: number }>> =
  {
    good: { state: 'COMPLETED', orchestrated: 10, choreographed: 6 },
    walker: { state: 'COMPLETED', orchestrated: 6, choreographed: 4 },
    full: { state: 'COMPENSATED', refusal: 'no-room', orchestrated: 2, choreographed: 2 },
    poor: { state: 'COMPENSATED', refusal: 'card-declined', orchestrated: 10, choreographed: 6 },
    gone: { state: 'CANCELLED', orchestrated: 16, choreographed: 10 },
    crash: { state: 'COMPLETED', orchestrated: 10, choreographed: 6 },
  }

describe('the page on which both forms are compared', () => {
  const home = mkdtempSync(join(tmpdir(), 'estafet-compare-'))
  let system: System
  let page: Comparing
  before(async () => {
    system = await startSystem(home, { logger: silent, quiet: true })
    await system.supervisor.ready()
    page = await compare(system, { port: 0, engines: 'PostgreSQL', logger: silent })
  })
  after(async () => {
    await page?.close()
    await system?.stop()
    rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  })

  const ask = (body: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(new URL('/api/pairs', page.url), {
      ...{ method: 'POST', body },
      headers: { 'content-type': 'application/json', ...headers },
    })

  /** Both trips of a pair, once the page shows them like this. */
  async function shown(number: number, isSo: (trip: Seen) => boolean): Promise<readonly Seen[]> {
    const watching = AbortSignal.timeout(90_000)
    const { body } = await fetch(new URL('/api/live', page.url), { signal: watching })
    let text = ''
    for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part
      const told = text.split('\n\n')
      text = told.pop() ?? ''
      for (const each of told) {
        const { pairs } = view.parse(JSON.parse(each.replace(/^data: /, '')))
        const trips = pairs.find((pair) => pair.number === number)?.trips ?? []
        if (trips.length === 2 && trips.every(isSo)) return trips
      }
    }
    throw new Error(`pair ${number} was never so`)
  }

  for (const { name, title } of scenarios) {
    test(`${title}: both forms come to the same end, and every message is drawn`, async () => {
      const answer = await ask(JSON.stringify({ scenario: name }))
      assert.equal(answer.status, 201)
      const { number } = z.object({ number: z.number() }).parse(await answer.json())
      const { state, refusal = null, ...messages } = ends[name] ?? assert.fail(name)
      // The saga, or the flow, is at its end as well, and says so.
      const trips = await shown(
        number,
        (trip) => trip.states.at(-1)?.state === state && trip.why?.startsWith('It is at its end') === true,
      )
      assert.deepEqual(
        trips.map((trip) => [trip.form, trip.refusal, trip.kept, trip.messages.length]),
        [
          ['orchestrated', refusal, state === 'CANCELLED' ? '75.50' : null, messages.orchestrated],
          ['choreographed', refusal, state === 'CANCELLED' ? '75.50' : null, messages.choreographed],
        ],
      )
      for (const trip of trips) {
        for (const { to, from, type } of trip.messages) assert.ok(to.length > 0 && !to.includes(from), type)
        for (const { atMs } of trip.states) assert.ok(atMs >= 0)
      }
    })
  }

  test('a command goes to who does it, a reply to booking, an event to whoever reacts', async () => {
    const [leads, reacts] = await shown(1, (trip) => trip.states.at(-1)?.state === 'COMPLETED')
    const lines = (trip: Seen | undefined) =>
      trip?.messages.map(({ type, kind, from, to }) => `${kind} ${type}: ${from} to ${to.join(', ')}`).slice(0, 4)
    assert.deepEqual(lines(leads), [
      'command hotel.reserve-room: booking to hotel',
      'reply hotel.reserve-room.reply: hotel to booking',
      'command car.reserve-car: booking to car',
      'reply car.reserve-car.reply: car to booking',
    ])
    assert.deepEqual(lines(reacts), [
      'event trip.requested: booking to hotel',
      'event room.reserved: hotel to car',
      'event car.reserved: car to payment',
      'event payment.charged: payment to hotel',
    ])
  })

  test('what is no scenario, too much, or of another page is refused', async () => {
    for (const body of ['{}', '{"scenario":"unknown"}', '{"scenario":"good","more":1}', 'no json']) {
      const answer = await ask(body)
      assert.equal(answer.status, 422)
      assert.match(await answer.text(), /"field":"scenario","reason":"must be one of good, /)
    }
    assert.equal((await ask(JSON.stringify({ pad: 'x'.repeat(20_000) }))).status, 413)
    assert.equal((await ask('{"scenario":"good"}', { origin: 'http://elsewhere.example' })).status, 403)
    assert.equal((await fetch(new URL('/nothing', page.url))).status, 404)
  })

  test('the page runs nothing but its own script, which writes text only', async () => {
    const answer = await fetch(page.url)
    assert.match(answer.headers.get('content-security-policy') ?? '', /default-src 'none'; script-src 'self'/)
    const html = await answer.text()
    assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|\son\w+=|style=|javascript:/i)
    const script = await (await fetch(new URL('/page.js', page.url))).text()
    assert.doesNotMatch(script, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/)
    const ids = [...script.matchAll(/byId\('(\w+)'\)/g)].map(([, id]) => id)
    assert.ok(ids.length > 3)
    for (const id of ids) assert.ok(html.includes(`id="${id}"`), id)
  })
})
