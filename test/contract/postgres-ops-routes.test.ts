import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startProjections } from 'estafet'
import type { Role } from 'estafet/ops'
import { postgresStreams, projections } from 'estafet/postgres'
import * as z from 'zod'
import { allPostgres } from '../../engines/postgres/binaries.ts'
import { answers } from '../../src/ops/answers.ts'
import { match, names } from '../../src/ops/match.ts'
import { routes } from '../../src/ops/routes.ts'
import { faultsOf, isJson, type Json } from '../ops/answer-faults.ts'
import { Cart, ItemPut, PriceSet } from '../ops/cart.ts'
import { Carts } from '../ops/carts.ts'
import { errands } from '../ops/errands.ts'
import { failure, messageOf, type ParkedWorld, parkedServer, subscription } from '../ops/parked-world.ts'
import { ask, Paid, Placed, served, silent, tokenOf } from '../ops/served.ts'
import { trips } from '../ops/trips.ts'

const secret = { id: 'A', total: 5, customer: { email: 'ada@example.org' } }

for (const binaries of allPostgres()) {
  describe(`the routes of the ops API on ${binaries.name}`, () => {
    let server: Awaited<ReturnType<typeof parkedServer>>
    let world: ParkedWorld
    let api: Awaited<ReturnType<typeof served>>
    const answered = new Set<string>()
    before(async () => {
      server = await parkedServer(binaries)
    })
    beforeEach(async () => {
      await api?.close()
      world = await server.fresh()
      api = await served(world)
    })
    after(async () => {
      await api.close()
      await server.stop()
    })

    /** Asks, and holds a good answer to the schema that the table names. */
    const asks = async (method: string, path: string, body?: unknown, role: Role = 'admin') => {
      const answer = await ask(api.url, method, path, { token: tokenOf(role), ...(body === undefined ? {} : { body }) })
      const { name, route } = match(method, new URL(`${api.url}${path}`).pathname)
      const good = answer.status === 200
      if (good && route.answer !== 'DeadLetterLines')
        assert.deepEqual(faultsOf(answer.body, answers[route.answer]), [], path)
      if (!good) assert.deepEqual(faultsOf(answer.body, answers.Error), [], path)
      if (good) answered.add(name)
      assert.ok(isJson(answer.body) || answer.text !== '')
      return { status: answer.status, text: answer.text, body: isJson(answer.body) ? answer.body : {} }
    }
    const get = (path: string, role?: Role) => asks('GET', path, undefined, role)
    const post = (path: string, body: unknown = {}, role?: Role) => asks('POST', path, body, role)
    const codeOf = ({ body }: { body: Json }): unknown => (isJson(body['error']) ? body['error']['code'] : null)
    const itemsOf = ({ body }: { body: Json }): readonly Json[] =>
      z.array(z.record(z.string(), z.unknown())).parse(body['items'])
    const audit = async (): Promise<readonly string[]> =>
      itemsOf(await get('/audit')).map(({ who, action, count }) => `${who} ${action} ${count}`)
    const parkSecret = () => world.park(messageOf(1, 'A', secret), failure('no such account'))

    test('says what the service is, how it does and how it can be asked', async () => {
      const { body } = await get('/manifest', 'view')
      assert.deepEqual([body['service'], body['version'], body['feeds']], [subscription, '1.2.3', ['log:orders']])
      assert.equal((await get('/health')).body['ready'], true)
      const document = (await get('/openapi.json')).body
      const paths = z
        .record(z.string(), z.record(z.string(), z.object({ 'x-role': z.string() })))
        .parse(document['paths'])
      const described = Object.entries(paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => `${method.toUpperCase()} ${path} ${operation['x-role']}`),
      )
      const table = names().map((name) => `${routes[name].method} ${routes[name].path} ${routes[name].role}`)
      assert.deepEqual(described.sort(), table.toSorted())
    })

    test('shows groups, letters, attempts and parked keys, page by page and by filter', async () => {
      await world.parkDead(5)
      assert.equal(itemsOf(await get('/dead-letters/groups', 'view'))[0]?.['count'], 5)
      const first = await get('/dead-letters?limit=3', 'view')
      assert.equal(itemsOf(first).length, 3)
      const rest = await get(`/dead-letters?limit=3&after=${String(first.body['next'])}`)
      assert.deepEqual([itemsOf(rest).length, rest.body['next']], [2, null])
      assert.equal(itemsOf(await get('/dead-letters?key=k1&before=2999-01-01')).length, 1)
      const one = await get('/dead-letters/1', 'view')
      assert.equal(z.array(z.unknown()).parse(one.body['history']).length, 1)
      assert.equal('payload' in one.body || 'headers' in one.body, false)
      assert.equal(itemsOf(await get('/parked-keys')).length, 5)
      assert.equal((await get('/dead-letters/99')).status, 404)
    })

    test('refuses parameters that it does not know, and wrong ones, without quoting them', async () => {
      const wrong = [
        ['GET', '/dead-letters?limit=x7y', undefined],
        ['GET', '/dead-letters?limit=501', undefined],
        ['GET', '/dead-letters?colour=x7y', undefined],
        ['GET', '/dead-letters?type=a&type=x7y', undefined],
        ['GET', '/dead-letters?before=x7y', undefined],
        ['GET', '/dead-letters/x7y', undefined],
        ['POST', '/dead-letters/discard', { expct: 'x7y' }],
        ['POST', '/dead-letters/discard', { expect: '1' }],
        ['POST', '/dead-letters/discard', { numbers: ['x7y'] }],
        ['POST', '/dead-letters/discard', { numbers: ['1'], type: 'x7y' }],
        ['POST', '/dead-letters/discard', { key: 'x7y\u0000' }],
        ['POST', '/dead-letters/discard', { key: 'x7y\ud800' }],
        ['POST', '/dead-letters/discard', { expect: 0 }],
        ['POST', '/dead-letters/discard', '["x7y"]'],
        ['POST', '/dead-letters/discard', '{"x7y'],
        ['POST', '/redrives', { expect: 0, rate: 0 }],
        ['POST', '/subscriptions/log:orders/replay/preview', {}],
        ['POST', '/subscriptions/log:orders/replay/preview', { to: '0', time: '2026-01-01' }],
        ['POST', '/subscriptions/log:orders/replay', { to: '0' }],
      ] as const
      for (const [method, path, body] of wrong) {
        const answer = await ask(api.url, method, path, body === undefined ? {} : { body })
        assert.equal(answer.status, 400, `${method} ${path} ${JSON.stringify(body)}`)
        assert.doesNotMatch(answer.text, /x7y/)
      }
      assert.deepEqual(await audit(), [])
    })

    test('hides from everybody but administrators what the event says, wherever it would show', async () => {
      await parkSecret()
      await world.store.transaction(async (_, write) => write(Paid({ id: 'P', card: 'card-of-ada' })))
      const shown = async (role: Role): Promise<string> => {
        const paths = ['/dead-letters/1/payload', '/dead-letters/export', '/log/messages', '/dead-letters']
        const texts = await Promise.all(paths.map(async (path) => (await get(path, role)).text))
        return [...texts, (await post('/dead-letters/1/dry-run', {}, role)).text].join('\n')
      }
      for (const role of ['view', 'payloads', 'operate'] as const)
        assert.doesNotMatch(await shown(role), /ada@|card-of-ada/, role)
      assert.match(await shown('admin'), /ada@example\.org[\s\S]*card-of-ada/)
      assert.match((await get('/dead-letters/1/payload', 'payloads')).text, /"email":"\*\*\*"/)
      assert.doesNotMatch((await get('/log/messages', 'view')).text, /"payload"/)
      assert.match((await get('/log/messages', 'payloads')).text, /"id":"P","card":"\*\*\*"/)
    })

    test('hides everything of what has no fields, and of events that it does not know', async () => {
      const bytes = ['\u0000', '{"customer":', `${'['.repeat(10_000)}${']'.repeat(10_000)}`, '"\\ud800"']
      for (const [at, payload] of bytes.entries()) {
        await world.park({ ...messageOf(at + 1, `k${at}`), payload }, failure('poison'))
      }
      await world.park({ ...messageOf(9, 'k9', { pin: '1234' }), type: 'card.made' }, failure('unknown'))
      for (const [number, payload] of [...bytes, '1234'].entries()) {
        const path = `/dead-letters/${number + 1}/payload`
        const { status, body } = await get(path, 'payloads')
        const isText = number === 3
        assert.deepEqual([status, body['masked']], [200, isText ? ['customer.email'] : ['(all)']])
        const whole = await get(path)
        assert.ok(JSON.stringify(whole.body).includes(JSON.stringify(payload).slice(1, -1)) || isText, path)
      }
    })

    test('discards only what was seen, with a reason, once', async () => {
      await world.parkDead(3)
      const preview = await post('/dead-letters/discard', { type: 'order.placed' }, 'operate')
      assert.deepEqual(preview.body, { outcome: 'preview', count: 3 })
      assert.equal(codeOf(await post('/dead-letters/discard', { expect: 3 })), 'INVALID_REQUEST')
      const request = { type: 'order.placed', reason: 'test data', requestId: 'once' }
      const wrong = await post('/dead-letters/discard', { ...request, expect: 2 })
      assert.deepEqual([wrong.status, codeOf(wrong)], [409, 'CHANGED'])
      assert.deepEqual(await audit(), [])
      const twice = await Promise.all(
        [1, 2].map(() => post('/dead-letters/discard', { ...request, expect: 3 }, 'operate')),
      )
      assert.deepEqual(twice.map(({ body }) => body['outcome']).sort(), ['done', 'repeated'])
      const reused = await post('/dead-letters/discard', { reason: 'r', expect: 0, requestId: 'once' })
      assert.deepEqual([reused.status, codeOf(reused)], [409, 'REUSED'])
      assert.deepEqual(await audit(), ['operate discard 3'])
    })

    test('starts a redrive once, steers it, and shows it', async () => {
      await world.parkDead(3)
      assert.deepEqual((await post('/redrives', {})).body, { outcome: 'preview', count: 3 })
      const request = { isCanary: true, rate: 5, reason: 'mended', requestId: 'go' }
      assert.equal(codeOf(await post('/redrives', { ...request, expect: 4 })), 'CHANGED')
      assert.deepEqual(itemsOf(await get('/redrives')), [])
      const { body } = await post('/redrives', { ...request, expect: 3 }, 'operate')
      const again = await post('/redrives', { ...request, expect: 3 }, 'operate')
      assert.deepEqual([again.body['outcome'], again.body['number']], ['repeated', body['number']])
      for (const unlike of [{ isCanary: false }, { rate: 6 }]) {
        const reused = await post('/redrives', { ...request, ...unlike, expect: 3 }, 'operate')
        assert.deepEqual([reused.status, codeOf(reused)], [409, 'REUSED'])
      }
      const path = `/redrives/${String(body['number'])}`
      assert.equal((await post(`${path}/pause`)).body['state'], 'paused')
      assert.equal((await post(`${path}/pause`)).body['outcome'], 'repeated')
      assert.equal((await post(`${path}/resume`)).body['state'], 'running')
      assert.equal((await get(path, 'view')).body['pending'], 3)
      assert.equal((await post(`${path}/cancel`)).body['state'], 'cancelled')
      assert.equal(codeOf(await post(`${path}/resume`)), 'CHANGED')
      assert.equal((await post('/redrives/99/cancel')).status, 404)
      assert.equal((await get('/redrives/99')).status, 404)
      assert.deepEqual((await audit()).at(-1), 'operate redrive 3')
    })

    test('tries a letter, edits it as its schema wants, and shows the difference', async () => {
      await parkSecret()
      const dry = await post('/dead-letters/1/dry-run', {}, 'operate')
      assert.deepEqual(
        [dry.body['isApplied'], dry.body['writes']],
        [true, [{ table: 'public.invoice', inserted: 1, updated: 0, deleted: 0 }]],
      )
      const negative = { ...secret, total: -1, customer: { email: '***' } }
      assert.equal((await post('/dead-letters/1/dry-run', { payload: negative }, 'operate')).body['isApplied'], false)
      const invalid = await post('/dead-letters/1/edit', { payload: { id: 'A', total: 'ada@example.org' } })
      assert.deepEqual([invalid.status, codeOf(invalid)], [422, 'INVALID_MESSAGE'])
      assert.doesNotMatch(invalid.text, /ada@/)
      assert.deepEqual(await audit(), [])
      // Who could not see the field sends its mask back, and it keeps its value.
      const edited = { payload: { id: 'A', total: 8, customer: { email: '***' } }, requestId: 'e', reason: 'typo' }
      const made = await post('/dead-letters/1/edit', edited, 'operate')
      assert.deepEqual([made.body['outcome'], made.body['fields']], ['done', ['total']])
      const again = await post('/dead-letters/1/edit', edited, 'operate')
      assert.deepEqual([again.body['outcome'], again.body['number']], ['repeated', made.body['number']])
      const unlike = { ...edited, payload: { ...edited.payload, total: 9 } }
      const reused = await post('/dead-letters/1/edit', unlike, 'operate')
      assert.deepEqual([reused.status, codeOf(reused)], [409, 'REUSED'])
      assert.equal((await post('/dead-letters/1/edit', { ...edited, requestId: 'f' }, 'operate')).status, 404)
      const whole = await get(`/dead-letters/${String(made.body['number'])}/payload`)
      assert.deepEqual(whole.body['payload'], { ...secret, total: 8 })
      for (const number of ['1', String(made.body['number'])]) {
        const { body } = await get(`/dead-letters/${number}/diff`, 'payloads')
        assert.deepEqual(body['changes'], [{ field: 'total', before: 5, after: 8 }])
      }
      assert.deepEqual(await audit(), ['operate edit 1'])
      await world.park(messageOf(7, 'B', secret), failure('no'))
      const other = await post('/dead-letters/3/edit', {
        payload: { ...secret, customer: { email: 'eve@example.org' } },
      })
      const hidden = await get(`/dead-letters/${String(other.body['number'])}/diff`, 'payloads')
      assert.deepEqual(hidden.body['changes'], [{ field: 'customer.email', before: '***', after: '***' }])
      assert.equal((await get('/dead-letters/3/diff')).text.includes('eve@example.org'), true)
      const bare = await post('/dead-letters/99/edit', { payload: {} })
      assert.equal(bare.status, 404)
    })

    test('carries dead letters out and in again as they were, and never masked ones', async () => {
      await world.parkDead(2)
      await world.park({ ...messageOf(3, 'p'), payload: '{"a":\u0001' }, failure('poison'))
      const lines = async (role: Role) =>
        (await get('/dead-letters/export', role)).text
          .trim()
          .split('\n')
          .map((line): unknown => JSON.parse(line))
      const items = await lines('admin')
      assert.equal(items.length, 3)
      const expect = items.length
      await post('/dead-letters/discard', { reason: 'moved', expect })
      assert.deepEqual((await post('/dead-letters/import', { items })).body, { outcome: 'preview', count: 3 })
      assert.equal(codeOf(await post('/dead-letters/import', { items, expect: 2 })), 'CHANGED')
      const request = { items, expect, requestId: 'in' }
      const imported = await post('/dead-letters/import', request)
      assert.deepEqual(imported.body, { outcome: 'done', count: 3 })
      assert.equal((await post('/dead-letters/import', request)).body['outcome'], 'repeated')
      const back = await world.operations.deadLetters.list(
        subscription,
        { key: 'p' },
        { after: null, limit: 1, isWithPayload: true },
      )
      assert.equal(Buffer.from(back.items[0]?.payload ?? []).toString(), '{"a":\u0001')
      assert.equal(
        codeOf(await post('/dead-letters/import', { items: await lines('payloads'), expect: 3 })),
        'INVALID_REQUEST',
      )
      const strange = items.map((item) => ({ ...z.record(z.string(), z.unknown()).parse(item), feed: 'log:others' }))
      assert.equal(codeOf(await post('/dead-letters/import', { items: strange, expect: 3 })), 'INVALID_REQUEST')
      const wrong = [
        { key: 'a\u0000' },
        { position: '-1' },
        { time: 'now' },
        { lane: -1 },
        { headers: { a: 1 } },
        { base64: '!' },
      ]
      for (const part of wrong) {
        const [first] = items
        const item = { ...z.record(z.string(), z.unknown()).parse(first), ...part }
        assert.equal(
          codeOf(await post('/dead-letters/import', { items: [item], expect: 1 })),
          'INVALID_REQUEST',
          JSON.stringify(part),
        )
      }
      assert.deepEqual(await audit(), ['admin import 3', 'admin discard 3'])
    })

    test('publishes an event of the service once, and audits it with it', async () => {
      const request = { type: Paid.type, data: { id: 'P' }, correlationId: 'c-9', requestId: 'pub', reason: 'lost' }
      const first = await post('/messages', request, 'operate')
      const second = await post('/messages', request, 'operate')
      assert.deepEqual([second.body['outcome'], second.body['id']], ['repeated', first.body['id']])
      const found = itemsOf(await get('/log/messages?correlationId=c-9'))
      assert.deepEqual(
        found.map(({ id }) => id),
        [first.body['id']],
      )
      assert.equal(itemsOf(await get('/log/messages?key=nobody')).length, 0)
      assert.equal((await post('/messages', { ...request, type: Placed.type })).status, 404)
      assert.equal(codeOf(await post('/messages', { ...request, data: { id: 7 } })), 'INVALID_MESSAGE')
      assert.equal(codeOf(await post('/messages', { ...request, correlationId: 'other' })), 'REUSED')
      const reused = await post('/messages', { ...request, data: { id: 'Q' } }, 'operate')
      assert.deepEqual([reused.status, codeOf(reused)], [409, 'REUSED'])
      // Nothing from which the content could be guessed.
      const [row] = itemsOf(await get('/audit'))
      assert.deepEqual(row?.['selection'], { type: Paid.type, correlationId: 'c-9' })
      assert.deepEqual(await audit(), ['operate publish 1'])
      const head = await get('/log', 'view')
      assert.equal(itemsOf(await get('/log/messages')).at(-1)?.['position'], head.body['lastCommitted'])
      const verdict = await get('/log/verify', 'view')
      // What was drawn and rolled back is missing, and no fault.
      assert.deepEqual([verdict.body['messages'], verdict.body['wrongSlots'], verdict.body['repeatedIds']], [1, 0, 0])
    })

    test('tells how far behind a subscription is, pauses it, and lets history come again', async () => {
      for (let at = 0; at < 6; at++) await world.store.transaction(async (_, write) => write(Paid({ id: `p${at}` })))
      const { epoch } = (await get('/log')).body
      const group = { ...world.group, feed: 'log:orders', epoch: String(epoch) }
      await world.store.lanes.survey(group, { owner: 'me', leaseMs: 60_000, working: [] })
      const behind = itemsOf(await get('/lag', 'view'))[0]
      assert.deepEqual([behind?.['feed'], behind?.['error']], ['log:orders', null])
      for (const index of [0, 1]) {
        const lane = await world.store.lanes.take(group, index, 'me', 60_000)
        assert.ok(lane !== null)
        await world.store.unitOfWork.run((tx) => world.store.lanes.save(tx, lane, { cursor: 4n, marks: {} }))
      }
      await world.park({ ...messageOf(2, 'x'), source: 'orders', epoch: group.epoch }, failure('no'))
      const path = '/subscriptions/log%3Aorders'
      const preview = await post(`${path}/replay/preview`, { to: '1' }, 'view')
      // Positions 2, 3 and 4 come again; the one at 2 is parked and was never applied.
      assert.deepEqual([preview.body['count'], preview.body['applied'], preview.body['isExact']], [3, 2, true])
      const all = await post(`${path}/replay/preview`, { time: '2000-01-01' })
      const none = await post(`${path}/replay/preview`, { time: '2999-01-01' })
      assert.deepEqual([all.body['count'], none.body['count']], [4, 0])
      const lagging = itemsOf(await get('/lag'))[0]
      // Nobody has looked at the last two yet: they are known to be there, and no more.
      assert.deepEqual([lagging?.['lag'], lagging?.['isExact'], lagging?.['seconds']], [2, false, null])
      await api.feed.advance()
      const seen = itemsOf(await get('/lag'))[0]
      assert.deepEqual([seen?.['lag'], seen?.['isExact'], typeof seen?.['seconds']], [2, true, 'number'])
      const request = { to: '1', reached: preview.body['reached'], requestId: 'back', reason: 'wrong totals' }
      const wrong = await post(`${path}/replay`, { ...request, expect: 4 })
      assert.deepEqual([wrong.status, codeOf(wrong)], [409, 'CHANGED'])
      const overtaking = await post(`${path}/replay`, { ...request, expect: 3 })
      assert.deepEqual([overtaking.status, codeOf(overtaking)], [409, 'PARKED'])
      await post('/dead-letters/discard', { key: 'x', expect: 1, reason: 'it would be overtaken' })
      assert.equal((await post(`${path}/replay`, { ...request, expect: 3 })).body['outcome'], 'done')
      assert.equal((await post(`${path}/replay`, { ...request, expect: 3 })).body['outcome'], 'repeated')
      const [subscribed] = itemsOf(await get('/subscriptions', 'view'))
      assert.match(JSON.stringify(subscribed), /"cursor":"1","owner":null/)
      assert.equal((await post('/subscriptions/nowhere/replay/preview', { to: '0' })).status, 404)
      assert.equal((await post('/subscriptions/nowhere/pause')).status, 404)
      assert.equal((await post(`${path}/pause`, { reason: 'r' }, 'operate')).body['isChanged'], true)
      assert.equal((await post(`${path}/pause`)).body['isChanged'], false)
      assert.equal((await post(`${path}/resume`)).body['isPaused'], false)
      assert.deepEqual(await audit(), ['admin resume 1', 'operate pause 1', 'admin replay 3', 'admin discard 1'])
    })

    test('shows streams of the service as they are and were', async () => {
      const streams = postgresStreams(world.pool, { service: subscription, logger: silent })
      await streams.handle(Cart, 'c', [ItemPut({ product: 'tea', price: 5 }), PriceSet({ at: 0, price: 4 })])
      assert.deepEqual(
        itemsOf(await get('/streams/cart/c/events', 'view')).map(({ streamVersion }) => streamVersion),
        [1, 2],
      )
      assert.equal(itemsOf(await get('/streams/cart/c/events', 'payloads')).length, 2)
      assert.equal((await get('/streams/cart/c/state?version=0', 'payloads')).body['time'], null)
      assert.equal((await get('/streams/cart/c/state', 'payloads')).body['version'], 2)
      assert.equal((await get('/streams/cart/c/diff', 'payloads')).body['from'], 1)
      assert.equal((await get('/streams/cart/c/blame?path=/items/0/price', 'payloads')).body['type'], 'PriceSet')
      await streams.settled()
    })

    test('shows read models, and lets people pause, rebuild, verify, switch and drop them', async () => {
      const streams = postgresStreams(world.pool, { service: subscription, logger: silent })
      assert.deepEqual(itemsOf(await get('/projections', 'view')), [])
      assert.equal((await post('/projections/carts/pause')).status, 404)
      const people = projections(world.pool)
      const pace = { hotMs: 2, busyMs: 5, idleMs: 20 }
      const running = await startProjections([Carts], {
        ...{ store: world.store, projections: people, events: streams.log, logger: silent, lookMs: 20, pace },
      })
      try {
        const { position } = await streams.handle(Cart, 'c', [ItemPut({ product: 'tea', price: 5 })])
        await people.waitFor('carts', position, { timeoutMs: 30_000 })
        const [shown] = itemsOf(await get('/projections', 'view'))
        assert.deepEqual([shown?.['state'], shown?.['secondsLeft'], shown?.['stops']], ['serving', 0, []])
        const path = '/projections/carts'
        assert.equal((await post(`${path}/pause`, {}, 'view')).status, 403)
        assert.equal((await post(`${path}/pause`, { reason: 'r' }, 'operate')).body['isChanged'], true)
        assert.equal((await post(`${path}/resume`)).body['isPaused'], false)
        assert.equal((await post(`${path}/verify`, {}, 'operate')).body['isEqual'], true)
        assert.equal((await post(`${path}/rebuild`, {}, 'operate')).body['build'], 2)
        const hasMoved = async () =>
          itemsOf(await get('/projections')).some((one) => one['build'] === 2 && one['state'] === 'serving')
        for (let looks = 0; looks < 500 && !(await hasMoved()); looks++) await sleep(20)
        assert.equal((await post(`${path}/drop`, { version: 1, build: 2 })).status, 404, 'it serves')
        const back = { version: 1, build: 1, force: true, reason: 'back' }
        assert.equal((await post(`${path}/promote`, back)).body['outcome'], 'done')
        assert.equal((await post(`${path}/drop`, { version: 1, build: 2 })).status, 200)
        const decided = itemsOf(await get('/audit')).map(({ who, action }) => `${who} ${action}`)
        assert.deepEqual(decided.toReversed(), [
          ...['operate pause', 'admin resume', 'operate rebuild', 'estafet promote', 'admin promote', 'admin drop'],
        ])
      } finally {
        await running.stop()
      }
      await streams.settled()
    })

    test('shows sagas, and lets people steer them', async () => {
      const own = await errands(world)
      try {
        for (const id of ['a', 'b', 'c', 'd']) await own.begin(id)
        assert.equal(itemsOf(await get('/sagas', 'view')).length, 4)
        assert.equal(itemsOf(await get('/saga-definitions', 'view'))[0]?.['sagas'], 4)
        assert.equal((await get('/sagas/a', 'view')).body['status'], 'running')
        const reason = 'r'
        const hasStep = async (id: string, state: string) =>
          own.until(state, async () => JSON.stringify((await get(`/sagas/${id}`)).body).includes(`"state":"${state}"`))
        assert.equal((await post('/sagas/a/retry', { reason }, 'payloads')).status, 403)
        assert.equal((await post('/sagas/a/retry', {}, 'operate')).status, 400)
        assert.equal((await post('/sagas/a/retry', { reason }, 'operate')).body['outcome'], 'done')
        const answer = { step: 'fetch', outcome: 'cancelled', reason }
        assert.equal((await post('/sagas/a/answer', answer, 'operate')).status, 200)
        assert.equal((await post('/sagas/b/fire', { step: 'fetch', reason }, 'operate')).status, 200)
        assert.equal((await post('/sagas/c/compensate', { reason }, 'operate')).body['status'], 'compensating')
        assert.equal((await post('/sagas/d/cancel', { reason }, 'operate')).body['status'], 'compensating')
        await hasStep('d', 'undoing')
        assert.equal((await post('/sagas/d/skip', { step: 'fetch', reason }, 'operate')).status, 200)
      } finally {
        await own.stop()
      }
    })

    test('shows flows that the service follows', async () => {
      await trips(world).happened('a', 'trip.requested', 7200)
      assert.equal(itemsOf(await get('/flows?overdue=true', 'view'))[0]?.['correlationId'], 'a')
      assert.equal(itemsOf(await get('/flow-definitions', 'view'))[0]?.['overdue'], 1)
      assert.equal((await get('/flows/trip/a', 'view')).body['status'], 'waiting')
    })

    test('the tests above saw every route of the table answer', () => {
      assert.deepEqual(
        names().filter((name) => !answered.has(name)),
        [],
      )
    })
  })
}
