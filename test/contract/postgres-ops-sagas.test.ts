import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { Role } from 'estafet/ops'
import * as z from 'zod'
import { allPostgres } from '../../engines/postgres/binaries.ts'
import { answers } from '../../src/ops/answers.ts'
import { match } from '../../src/ops/match.ts'
import { type SagaOrder, steerSaga } from '../../src/ops/saga-actions.ts'
import { faultsOf, isJson, type Json } from '../ops/answer-faults.ts'
import { type Errands, errands } from '../ops/errands.ts'
import { type ParkedWorld, parkedServer, subscription } from '../ops/parked-world.ts'
import { ask, served, tokenOf } from '../ops/served.ts'

for (const binaries of allPostgres()) {
  describe(`sagas in the ops API on ${binaries.name}`, () => {
    let server: Awaited<ReturnType<typeof parkedServer>>
    let world: ParkedWorld
    let own: Errands
    let api: Awaited<ReturnType<typeof served>>
    before(async () => {
      server = await parkedServer(binaries)
    })
    beforeEach(async () => {
      world = await server.fresh()
      own = await errands(world)
      api = await served(world)
    })
    afterEach(async () => {
      await api.close()
      await own.stop()
    })
    after(() => server.stop())

    const asks = async (method: string, path: string, body?: unknown, role: Role = 'operate') => {
      const answer = await ask(api.url, method, path, { token: tokenOf(role), ...(body === undefined ? {} : { body }) })
      const { route } = match(method, new URL(`${api.url}${path}`).pathname)
      assert.deepEqual(faultsOf(answer.body, answers[answer.status === 200 ? route.answer : 'Error']), [], path)
      return { status: answer.status, text: answer.text, body: isJson(answer.body) ? answer.body : {} }
    }
    const get = (path: string, role?: Role) => asks('GET', path, undefined, role)
    const act = (id: string, action: string, more: object = {}, role?: Role) =>
      asks('POST', `/sagas/${encodeURIComponent(id)}/${action}`, { reason: 'they phoned', ...more }, role)
    const done = async (id: string, action: string, more?: object): Promise<void> => {
      const { status, body } = await act(id, action, more)
      assert.deepEqual([status, body['outcome'], body['id']], [200, 'done', id], `${action} ${JSON.stringify(body)}`)
    }
    const refused = async (why: RegExp, id: string, action: string, more?: object): Promise<void> => {
      const { status, body, text } = await act(id, action, more)
      assert.deepEqual([status, isJson(body['error']) ? body['error']['code'] : null], [409, 'CHANGED'], text)
      assert.match(text, why)
    }
    const rows = (value: unknown): readonly Json[] => z.array(z.record(z.string(), z.unknown())).parse(value)
    const items = async (path: string, role?: Role) => rows((await get(path, role)).body['items'])
    const show = async (id: string, role?: Role) => (await get(`/sagas/${encodeURIComponent(id)}`, role)).body
    const step = async (id: string, name: string, role?: Role): Promise<Json> =>
      rows((await show(id, role))['steps']).find((each) => each['name'] === name) ?? {}
    const stepIs = (id: string, name: string, state: string) =>
      own.until(`${name} of ${id} is ${state}`, async () => (await step(id, name))['state'] === state)
    const endsAs = (id: string, status: string) =>
      own.until(`${id} is ${status}`, async () => (await show(id))['status'] === status)
    const audit = async (): Promise<readonly string[]> =>
      (await items('/audit')).map(({ who, action, selection, reason }) =>
        [who, action, JSON.stringify(selection), reason].join(' '),
      )
    /** An errand that rests: it was fetched. */
    const resting = async (id: string): Promise<void> => {
      await own.begin(id)
      await done(id, 'answer', { step: 'fetch', outcome: 'done', result: { parcel: 7 } })
      await stepIs(id, 'rest', 'waiting')
    }
    const completed = async (id: string): Promise<void> => {
      await resting(id)
      await done(id, 'fire', { step: 'rest' })
      await endsAs(id, 'completed')
    }

    test('lists sagas by type, state, age and need, page by page, and says why each waits', async () => {
      for (const id of ['a', 'b', 'c']) await own.begin(id)
      await done('b', 'cancel')
      await stepIs('b', 'fetch', 'undoing')
      const ids = async (query: string) => (await items(`/sagas?${query}`, 'view')).map(({ id }) => id)
      assert.deepEqual(await ids(''), ['a', 'b', 'c'])
      const first = await get('/sagas?limit=2', 'view')
      assert.deepEqual(await ids(`limit=2&after=${String(first.body['next'])}`), ['c'])
      assert.deepEqual(await ids('type=errand&status=running'), ['a', 'c'])
      assert.deepEqual([await ids('type=other'), await ids('status=completed')], [[], []])
      assert.deepEqual([await ids('idle=0'), await ids('idle=999999')], [['a', 'b', 'c'], []])
      await own.until('b asks for a person', async () => (await ids('stuck=true')).length > 0)
      assert.deepEqual([await ids('stuck=true'), await ids('stuck=false')], [['b'], ['a', 'b', 'c']])
      const [a, b] = await items('/sagas', 'view')
      assert.equal(a?.['why'], 'The step fetch waits for its answer.')
      assert.match(
        String(b?.['why']),
        /^It is taken back, because of they phoned\. The step fetch is being taken back, asked \d+ times\. A person should look: /,
      )
      for (const query of ['status=lost', 'stuck=yes', 'idle=-1', 'colour=x']) {
        assert.equal((await get(`/sagas?${query}`)).status, 400, query)
      }
    })

    test('counts those that are stuck, and how long the longest is', async () => {
      for (const id of ['a', 'b']) await own.begin(id)
      await own.stop()
      const counted = async () =>
        (await items('/saga-definitions', 'view')).map((row) =>
          ['type', 'version', 'status', 'sagas', 'stuck', 'stuckSeconds'].map((name) => row[name]).join(' '),
        )
      assert.deepEqual(await counted(), ['errand 1 running 2 0 0'])
      await world.owner.query(`UPDATE estafet.saga SET attention = 'look', progressed_at = clock_timestamp()
        - interval '1000 seconds' WHERE id = 'b'`)
      const [row] = await items('/saga-definitions', 'view')
      assert.deepEqual([row?.['stuck'], Number(row?.['stuckSeconds']) >= 1000], [1, true])
    })

    test('shows steps and times to all, and what they hold to whoever may see it', async () => {
      await completed('ada/1 ü')
      const seen = await show('ada/1 ü', 'view')
      const brief = rows(seen['steps']).map(({ name, kind, state, note, asks }) => [name, kind, state, note, asks])
      assert.deepEqual(brief, [
        ['begin', 'run', 'done', null, null],
        ['fetch', 'request', 'done', 'they phoned', 'courier.fetch'],
        ['rest', 'sleep', 'done', 'they phoned', null],
        ['hand over', 'run', 'done', null, null],
      ])
      assert.equal(seen['why'], 'It is at its end: everything took effect.')
      for (const { begunAt, changedAt } of rows(seen['steps'])) assert.ok(String(begunAt) <= String(changedAt))
      const text = async (role: Role) => (await get('/sagas/ada%2F1%20%C3%BC', role)).text
      assert.doesNotMatch(await text('view'), /parcel|"input"|"value"|"request":|by us/)
      for (const role of ['payloads', 'operate'] as const) {
        assert.match(await text(role), /"input":\{"payload":"\*\*\*"/)
        assert.doesNotMatch(await text(role), /parcel|"who"|by us/)
      }
      const whole = await show('ada/1 ü', 'admin')
      const payload = (value: unknown) => (isJson(value) ? value['payload'] : undefined)
      assert.deepEqual([payload(whole['input']), payload(whole['result'])], [{ who: 'ada/1 ü' }, { parcel: 7 }])
      const fetched = await step('ada/1 ü', 'fetch', 'admin')
      assert.deepEqual(payload(fetched['value']), { outcome: 'done', result: { parcel: 7 } })
      const asked = { type: 'courier.fetch', data: { who: 'ada/1 ü' }, timeoutMs: 3_600_000, service: 'billing' }
      assert.deepEqual(payload(fetched['request']), asked)
      assert.equal((await get('/sagas/nobody')).status, 404)
    })

    test('an answer by hand is what the step comes to: done, refused or cancelled', async () => {
      await resting('a')
      assert.deepEqual(await own.did('a'), ['begun'])
      for (const [id, more, failure] of [
        ['b', { outcome: 'refused', refusal: 'nobody-home' }, 'nobody-home'],
        ['c', { outcome: 'cancelled' }, 'not fetched'],
      ] as const) {
        await own.begin(id)
        await done(id, 'answer', { step: 'fetch', ...more })
        await endsAs(id, 'compensated')
        assert.deepEqual([(await show(id))['failure'], await own.did(id)], [failure, ['begun', 'taken back']])
      }
      // Nobody was told.
      assert.deepEqual(await own.asked('c'), ['courier.fetch'])
      await refused(/the step is at its end: it is done/, 'a', 'answer', { step: 'fetch', outcome: 'cancelled' })
      await refused(/it has no such step that waits/, 'a', 'answer', { step: 'x7y', outcome: 'cancelled' })
      const wrong = [
        { outcome: 'done' },
        { outcome: 'refused' },
        { outcome: 'refused', refusal: 'r', result: 1 },
        { outcome: 'cancelled', refusal: 'r' },
        { outcome: 'perhaps' },
        { outcome: 'done', result: 1, step: undefined },
        { outcome: 'cancelled', reason: undefined },
      ]
      for (const more of wrong) assert.equal((await act('a', 'answer', { step: 'rest', ...more })).status, 400)
    })

    test('a result that does not fit is given anew', async () => {
      await own.begin('a')
      await done('a', 'answer', { step: 'fetch', outcome: 'done', result: { parcel: 'seven' } })
      await own.until('it fails', async () => (await show('a'))['error'] !== null)
      assert.match(String((await show('a'))['why']), /INVALID_MESSAGE/)
      await refused(/the step is at its end: it is done/, 'a', 'answer', { step: 'fetch', outcome: 'cancelled' })
      await done('a', 'answer', { step: 'fetch', outcome: 'done', result: { parcel: 7 } })
      await stepIs('a', 'rest', 'waiting')
      // It fits, and what followed from it stays.
      await refused(/the step is at its end: it is done/, 'a', 'answer', { step: 'fetch', outcome: 'done', result: 1 })
    })

    test('a refusal that the command does not know is given anew', async () => {
      await own.begin('a')
      await done('a', 'answer', { step: 'fetch', outcome: 'refused', refusal: 'nobdy-home' })
      await own.until('it fails', async () => (await show('a'))['error'] !== null)
      await done('a', 'answer', { step: 'fetch', outcome: 'refused', refusal: 'nobody-home' })
      await endsAs('a', 'compensated')
      assert.equal((await show('a'))['failure'], 'nobody-home')
    })

    test('an answer stands in for local work that fails', async () => {
      own.failing.add('a')
      await resting('a')
      await done('a', 'fire', { step: 'rest' })
      await own.until('it fails', async () => (await show('a'))['error'] !== null)
      assert.match(String((await show('a'))['why']), /^Its turn failed .*REJECTED/)
      // No name of a step: of such are the events that came.
      await refused(/it has no such step that waits/, 'a', 'answer', { step: '~x', outcome: 'done', result: 1 })
      await done('a', 'answer', { step: 'hand over', outcome: 'done', result: 'by a neighbour' })
      await endsAs('a', 'completed')
      assert.deepEqual(await own.did('a'), ['begun'])
    })

    test('a step that is fired has its time come: a rest is over, and who does not answer is told to take it back', async () => {
      await completed('a')
      assert.deepEqual(await own.did('a'), ['begun', 'handed over'])
      await own.begin('b')
      await done('b', 'fire', { step: 'fetch' })
      await stepIs('b', 'fetch', 'cancelling')
      assert.deepEqual((await own.asked('b')).slice(0, 2), ['courier.fetch', 'courier.fetch.cancel'])
      await refused(/the step is at its end: it is done/, 'b', 'fire', { step: 'begin' })
      await refused(/it has no such step/, 'b', 'fire', { step: 'x7y' })
      await refused(/the saga is at its end: it is completed/, 'a', 'fire', { step: 'rest' })
    })

    test('a retry asks again what was not answered', async () => {
      await own.begin('a')
      await done('a', 'retry')
      await own.until('it is asked again', async () => (await own.asked('a')).length === 2)
      assert.deepEqual(await own.asked('a'), ['courier.fetch', 'courier.fetch'])
      await stepIs('a', 'fetch', 'waiting')
    })

    test('a saga that runs is cancelled, and a step that cannot be taken back is skipped', async () => {
      await resting('a')
      await refused(/the step is not being taken back: it is done/, 'a', 'skip', { step: 'fetch' })
      await done('a', 'cancel')
      await stepIs('a', 'fetch', 'undoing')
      await refused(/the saga is compensating already/, 'a', 'cancel')
      await done('a', 'skip', { step: 'fetch' })
      await endsAs('a', 'compensated')
      assert.deepEqual([(await step('a', 'fetch'))['state'], await own.did('a')], ['kept', ['begun', 'taken back']])
    })

    test('one that has completed is taken back by compensate, and not by cancel', async () => {
      await completed('a')
      await refused(/only a saga that runs is cancelled, and this one is completed/, 'a', 'cancel')
      await done('a', 'compensate')
      await stepIs('a', 'fetch', 'undoing')
      await done('a', 'answer', { step: 'fetch', outcome: 'cancelled' })
      await endsAs('a', 'compensated')
      assert.deepEqual(await own.did('a'), ['begun', 'handed over', 'taken back'])
      await refused(/the saga is compensated already/, 'a', 'compensate')
    })

    test('what a person does is done once for each request, and audited with who, what and why', async () => {
      await own.begin('a')
      const answer = { step: 'fetch', outcome: 'done', result: { parcel: 7 }, requestId: 'once' }
      const twice = await Promise.all([1, 2].map(() => act('a', 'answer', answer)))
      assert.deepEqual(twice.map(({ body }) => body['outcome']).sort(), ['done', 'repeated'])
      await stepIs('a', 'rest', 'waiting')
      const late = await act('a', 'answer', answer)
      assert.deepEqual([late.status, late.body], [200, { outcome: 'repeated', status: 'running', id: 'a' }])
      const unlike = [
        ['answer', { ...answer, result: { parcel: 8 } }],
        ['answer', { ...answer, step: 'rest' }],
        ['cancel', { requestId: 'once' }],
      ] as const
      for (const [action, more] of unlike) {
        const reused = await act('a', action, more)
        assert.equal(isJson(reused.body['error']) ? reused.body['error']['code'] : null, 'REUSED', action)
      }
      assert.equal((await show('a'))['status'], 'running')
      assert.deepEqual(await audit(), ['operate saga-answer {"saga":"a","step":"fetch","outcome":"done"} they phoned'])
    })

    test('what is refused, forbidden or of no saga leaves nothing in the audit', async () => {
      await own.begin('a')
      await refused(/not being taken back/, 'a', 'skip', { step: 'fetch', requestId: 'r' })
      for (const role of ['view', 'payloads'] as const) assert.equal((await act('a', 'cancel', {}, role)).status, 403)
      assert.equal((await act('nobody', 'cancel')).status, 404)
      assert.deepEqual(await audit(), [])
      // The id of a request that was refused is free.
      await done('a', 'fire', { step: 'fetch', requestId: 'r' })
      assert.equal((await audit()).length, 1)
    })

    test('is done with its row of the audit or not at all', async () => {
      await own.begin('a')
      await own.stop()
      const { operations, store } = world
      const order: SagaOrder = {
        ...{ id: 'a', action: { do: 'compensate' }, reason: 'why', requestId: 'r' },
        entry: { who: 'ada', action: 'x', subscription, selection: null, count: 1, reason: 'why' },
      }
      const broken = new Error('broken')
      const failing = {
        audit: { ...operations.audit, record: () => Promise.reject(broken) },
        sagas: { ...operations.sagas, save: () => Promise.reject(broken) },
      }
      for (const name of ['audit', 'sagas'] as const) {
        const half = { ...store, operations: { ...operations, [name]: failing[name] } }
        await assert.rejects(steerSaga(half, order), broken)
        assert.deepEqual([(await show('a'))['status'], await audit()], ['running', []], name)
      }
      assert.deepEqual(await steerSaga({ ...store, operations }, order), { outcome: 'done', status: 'compensating' })
      assert.deepEqual([(await show('a'))['status'], (await audit()).length], ['compensating', 1])
    })

    test('who acts while a turn is under way waits for its end', async () => {
      await own.begin('a')
      const turn = await world.pool.connect()
      try {
        await turn.query('BEGIN')
        await turn.query(`SELECT FROM estafet.saga WHERE id = 'a' FOR UPDATE`)
        let isOver = false
        const acting = act('a', 'answer', { step: 'fetch', outcome: 'cancelled' }).finally(() => {
          isOver = true
        })
        await own.until('it waits', async () => {
          const { rows: waiting } = await world.pool.query(
            `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
          )
          return waiting.length > 0
        })
        assert.equal(isOver, false)
        await turn.query(`UPDATE estafet.saga_step SET state = 'done', due_at = NULL, value = '{"outcome":"cancelled"}'
          WHERE saga = 'a' AND name = 'fetch'`)
        await turn.query('COMMIT')
        const { status, text } = await acting
        assert.equal(status, 409)
        assert.match(text, /the step is at its end: it is done/)
      } finally {
        turn.release()
      }
    })
  })
}
