import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { type Role, roles } from 'estafet/ops'
import * as z from 'zod'
import { allPostgres } from '../../engines/postgres/binaries.ts'
import { answers } from '../../src/ops/answers.ts'
import { match } from '../../src/ops/match.ts'
import { faultsOf, isJson, type Json } from '../ops/answer-faults.ts'
import { type ParkedWorld, parkedServer } from '../ops/parked-world.ts'
import { ask, served, tokenOf } from '../ops/served.ts'
import { type Trips, trips } from '../ops/trips.ts'

for (const binaries of allPostgres()) {
  describe(`flows in the ops API on ${binaries.name}`, () => {
    let server: Awaited<ReturnType<typeof parkedServer>>
    let world: ParkedWorld
    let own: Trips
    let api: Awaited<ReturnType<typeof served>>
    before(async () => {
      server = await parkedServer(binaries)
    })
    beforeEach(async () => {
      world = await server.fresh()
      own = trips(world)
      api = await served(world)
    })
    afterEach(() => api.close())
    after(() => server.stop())

    /** Asks, and holds the answer to the schema that the table names. */
    const get = async (path: string, role: Role = 'view') => {
      const answer = await ask(api.url, 'GET', path, { token: tokenOf(role) })
      const { route } = match('GET', new URL(`${api.url}${path}`).pathname)
      assert.deepEqual(faultsOf(answer.body, answers[answer.status === 200 ? route.answer : 'Error']), [], path)
      return { status: answer.status, text: answer.text, body: isJson(answer.body) ? answer.body : {} }
    }
    const rows = (value: unknown): readonly Json[] => z.array(z.record(z.string(), z.unknown())).parse(value)
    const items = async (path: string) => rows((await get(path)).body['items'])
    const toTheSecond = (time: string): string => `${time.slice(0, 19)}Z`
    const later = (time: string, seconds: number): string =>
      new Date(Date.parse(toTheSecond(time)) + seconds * 1000).toISOString().replace('.000Z', 'Z')

    /** One that is late, one in time, one at its end, one without its beginning, and one of another kind that is late. */
    const five = async (): Promise<void> => {
      await own.happened('late', 'trip.requested', 7200)
      await own.happened('in time', 'trip.requested', 60)
      await own.happened('over', 'trip.requested', 60)
      await own.happened('over', 'hotel.room-refused', 30)
      await own.happened('unbegun', 'car.reserved', 60)
      await own.happened('late', 'visa.wanted', 7200)
    }

    test('lists flows by name, status and what is overdue, page by page', async () => {
      await five()
      const names = async (query: string) =>
        (await items(`/flows?${query}`)).map(({ flow, correlationId }) => `${flow} ${correlationId}`)
      const all = ['trip late', 'trip in time', 'trip over', 'trip unbegun', 'visa late']
      assert.deepEqual(await names(''), all)
      const first = await get('/flows?limit=2')
      assert.deepEqual(rows(first.body['items']).length, 2)
      assert.deepEqual(await names(`after=${String(first.body['next'])}`), all.slice(2))
      assert.deepEqual(await names('flow=visa'), ['visa late'])
      assert.deepEqual(await names('status=unbegun'), ['trip unbegun'])
      assert.deepEqual(await names('status=ended'), ['trip over'])
      assert.deepEqual(await names('status=waiting&flow=trip'), ['trip late', 'trip in time'])
      assert.deepEqual(await names('overdue=true'), ['trip late', 'visa late'])
      assert.deepEqual(await names('overdue=true&flow=trip'), ['trip late'])
      assert.deepEqual([await names('overdue=false'), await names('overdue=true&status=ended')], [all, []])
      for (const query of ['status=lost', 'overdue=yes', 'flow=', 'after=x', 'limit=501', 'colour=x']) {
        assert.equal((await get(`/flows?${query}`)).status, 400, query)
      }
    })

    test('counts how many of each kind stand how', async () => {
      assert.deepEqual(await items('/flow-definitions'), [])
      await five()
      assert.deepEqual(await items('/flow-definitions'), [
        { flow: 'trip', unbegun: 1, waiting: 2, overdue: 1, ended: 1 },
        { flow: 'visa', unbegun: 0, waiting: 1, overdue: 1, ended: 0 },
      ])
    })

    test('shows what happened when and where, and what is awaited after what, in a sentence', async () => {
      const roomAt = await own.happened('ada/1 ü', 'hotel.room-reserved', 1860)
      const askedAt = await own.happened('ada/1 ü', 'trip.requested', 1900)
      const { status, text, body } = await get('/flows/trip/ada%2F1%20%C3%BC')
      assert.deepEqual([status, body['status'], body['begunAt'], body['lastAt']], [200, 'waiting', askedAt, roomAt])
      assert.deepEqual(body['events'], [
        { source: 'trip', id: 'm-2', type: 'trip.requested', at: askedAt },
        { source: 'hotel', id: 'm-1', type: 'hotel.room-reserved', at: roomAt },
      ])
      const [awaited, ...more] = rows(body['awaited'])
      assert.deepEqual(more, [])
      const { until, ...rest } = awaited ?? {}
      const oneOf = ['car.reserved', 'car.refused']
      assert.deepEqual(rest, { after: 'hotel.room-reserved', oneOf, count: 1, since: roomAt })
      assert.equal(toTheSecond(String(until)), later(roomAt, 1800))
      const overdue = Number(body['overdueSeconds'])
      assert.ok(overdue >= 60 && Number(body['idleSeconds']) >= 1860)
      assert.equal(
        body['why'],
        `It waits for car.reserved or car.refused since ${toTheSecond(roomAt)}, after hotel.room-reserved; overdue by ${overdue} s.`,
      )
      assert.doesNotMatch(text, /secret/)
    })

    test('says of each how it stands: in time, at its end, or without its beginning', async () => {
      await five()
      const at = await own.happened('in time', 'trip.requested', 50)
      const why = async (id: string) => (await get(`/flows/trip/${id}`)).body['why']
      const since = (await get('/flows/trip/in%20time')).body['begunAt']
      assert.equal(
        await why('in%20time'),
        `It waits for hotel.room-reserved or hotel.room-refused since ${toTheSecond(String(since))}, after trip.requested (2 times); due by ${later(String(since), 3600)}.`,
      )
      assert.ok(String(since) < at)
      assert.equal(await why('over'), 'It is at its end: nothing is awaited any more.')
      assert.match(String(await why('unbegun')), /^Its beginning was not seen: /)
    })

    test('one of which nothing was seen is none, whichever part of its name is another’s', async () => {
      await own.happened('a', 'trip.requested', 60)
      for (const path of ['/flows/trip/b', '/flows/visa/a', '/flows/a/trip']) {
        const { status, body } = await get(path)
        assert.deepEqual([status, isJson(body['error']) ? body['error']['code'] : null], [404, 'NOT_FOUND'], path)
      }
      for (const path of ['/flows/trip/a%00', `/flows/${'t'.repeat(64)}/a`]) {
        assert.equal((await get(path)).status, 400, path)
      }
    })

    test('whoever may look may look at flows, nobody without a token, and nobody changes one', async () => {
      await own.happened('a', 'trip.requested', 60)
      for (const path of ['/flows', '/flow-definitions', '/flows/trip/a']) {
        const seen = await Promise.all(roles.map((role) => get(path, role)))
        assert.deepEqual(
          seen.map(({ status }) => status),
          roles.map(() => 200),
          path,
        )
        assert.equal((await ask(api.url, 'GET', path, { token: null })).status, 401, path)
        assert.equal((await ask(api.url, 'POST', path, { token: tokenOf('admin'), body: {} })).status, 405, path)
      }
    })
  })
}
