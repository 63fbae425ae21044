import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { allPostgres } from '../../engines/postgres/binaries.ts'
import type { Decision } from '../../src/ports/decision.ts'
import { feed, messageOf, type ParkedWorld, parkedServer, subscription } from '../ops/parked-world.ts'

const decision = (requestId: string): Decision => ({ who: 'ada', reason: 'tested', requestId })
const page = { after: null, limit: 50 }

for (const binaries of allPostgres()) {
  describe(`dead letters and decisions on ${binaries.name}`, () => {
    let server: Awaited<ReturnType<typeof parkedServer>>
    let world: ParkedWorld
    before(async () => {
      server = await parkedServer(binaries)
    })
    beforeEach(async () => {
      world = await server.fresh()
    })
    after(() => server.stop())

    const audit = async (): Promise<readonly string[]> =>
      (await world.operations.audit.list(subscription, page)).items.map(
        ({ who, action, count }) => `${who} ${action} ${count}`,
      )
    const states = async (): Promise<Readonly<Record<string, number>>> => {
      const { rows } = await world.pool.query<{ state: string; count: number }>(
        'SELECT state, count(*)::int AS count FROM estafet.parked_message GROUP BY state ORDER BY state',
      )
      return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
    }

    test('lists groups, messages page by page, and one with every attempt and its bytes', async () => {
      const { deadLetters } = world.operations
      await world.parkDead(5)
      const { items: groups } = await deadLetters.groups(subscription, page)
      assert.deepEqual(
        groups.map(({ fingerprint, count, keys, errorMessage }) => ({ fingerprint, count, keys, errorMessage })),
        [{ fingerprint: 'f1', count: 5, keys: 5, errorMessage: 'no such account' }],
      )
      const first = await deadLetters.list(subscription, {}, { after: null, limit: 3, isWithPayload: false })
      const rest = await deadLetters.list(subscription, {}, { after: first.next, limit: 3, isWithPayload: true })
      assert.deepEqual([first.items.length, rest.items.length, rest.next], [3, 2, null])
      assert.deepEqual([first.items[0]?.payload, rest.items[0]?.payload === null], [null, false])
      const found = await deadLetters.find(subscription, first.items[0]?.number ?? 0n)
      assert.equal(Buffer.from(found?.payload ?? []).toString(), messageOf(1, 'k1').payload)
      assert.equal(found?.time, messageOf(1, 'k1').time)
      assert.deepEqual(
        found?.history.map(({ outcome, errorName, stack, serviceVersion }) => [
          outcome,
          errorName,
          stack,
          serviceVersion,
        ]),
        [['failed', 'Error', '    at x', '1']],
      )
      assert.equal(await deadLetters.find('another', first.items[0]?.number ?? 0n), null)
    })

    test('chooses dead letters by everything that a selection names', async () => {
      const { deadLetters } = world.operations
      await world.parkDead(4)
      const count = (selection: Parameters<typeof deadLetters.count>[1]) =>
        deadLetters.count(subscription, selection, 'all')
      assert.equal(await count({ key: 'k1' }), 1)
      assert.equal(await count({ type: 'order.placed', handler: 'order.placed', fingerprint: 'f1' }), 4)
      assert.equal(await count({ fingerprint: 'other' }), 0)
      assert.equal(await count({ numbers: [1n, 2n, 99n] }), 2)
      assert.equal(await count({ before: '2026-01-01T00:00:00Z' }), 0)
      assert.equal(await count({ before: '2999-01-01T00:00:00Z' }), 4)
      assert.equal(await deadLetters.count('another', {}, 'all'), 0)
    })

    test('discards what the person saw, once, and lets the key go on', async () => {
      const { decisions, control } = world.operations
      await world.parkDead(2, { keys: 1 })
      await world.park(messageOf(9, 'k0'), null)
      assert.equal((await control.parkedKeys(subscription, page)).items[0]?.messages, 3)
      const wrong = await decisions.discard(subscription, { key: 'k0' }, 7, decision('r0'))
      assert.deepEqual(wrong, { outcome: 'changed', count: 2 })
      assert.deepEqual([await states(), await audit()], [{ dead: 2, waiting: 1 }, []])
      const clicks = await Promise.all(
        [1, 2].map(() => decisions.discard(subscription, { key: 'k0' }, 2, decision('r1'))),
      )
      assert.deepEqual(clicks.map(({ outcome }) => outcome).sort(), ['done', 'repeated'])
      assert.deepEqual(
        clicks.map(({ count }) => count),
        [2, 2],
      )
      assert.deepEqual([await states(), await audit()], [{ discarded: 2, waiting: 1 }, ['ada discard 2']])
      const reused = await decisions.discard(subscription, { key: 'k1' }, 0, decision('r1'))
      assert.equal(reused.outcome, 'reused')
      const [parked] = (await control.parkedKeys(subscription, page)).items
      assert.deepEqual([parked?.state, parked?.messages], ['retrying', 1])
      await world.attempt('k0', 'applied')
      assert.deepEqual((await control.parkedKeys(subscription, page)).items, [])
    })

    test('puts an edited message into the place of the old one, which is kept', async () => {
      const { decisions, deadLetters } = world.operations
      await world.parkDead(1, { keys: 1 })
      await world.park(messageOf(2, 'k0'), null)
      const edit = { number: 1n, id: 'new', payload: '{"total":7}', fields: ['total'] }
      const made = await decisions.edit(subscription, edit, decision('e1'))
      assert.deepEqual([made.outcome, made.count], ['done', 1])
      assert.deepEqual(await decisions.edit(subscription, edit, decision('e1')), { ...made, outcome: 'repeated' })
      assert.equal((await decisions.edit(subscription, edit, decision('e2'))).outcome, 'missing')
      const attempt = await world.attempt('k0', 'applied')
      assert.deepEqual(
        [attempt?.message.id, attempt?.message.position, attempt?.message.payload, attempt?.isRedriven],
        ['new', 1n, '{"total":7}', false],
      )
      assert.equal((await world.attempt('k0', 'applied'))?.message.id, 'm-2')
      const old = await deadLetters.find(subscription, 1n)
      const now = await deadLetters.find(subscription, made.number ?? 0n)
      assert.deepEqual(
        [old?.state, old?.replacedBy, now?.state, now?.replaces],
        ['replaced', made.number, 'applied', 1n],
      )
      assert.deepEqual(await audit(), ['ada edit 1'])
    })

    test('takes exported dead letters in, leaves out those that are there, and blocks nothing with them', async () => {
      const { decisions, deadLetters, control } = world.operations
      await world.parkDead(1)
      const letters = [messageOf(1, 'k0'), messageOf(2, 'x'), messageOf(3, 'y')].map((message) => ({
        ...{
          message,
          payload: Buffer.from('\xff\0', 'latin1'),
          feed,
          lane: 0,
          handler: 'order.placed',
          errorName: 'Error',
          errorMessage: 'no',
        },
        ...{ fingerprint: 'f9', failedAt: null },
      }))
      const wrong = await decisions.take(subscription, letters, 2, decision('i0'))
      assert.deepEqual(wrong, { outcome: 'changed', count: 3 })
      const taken = await decisions.take(subscription, letters, 3, decision('i1'))
      assert.deepEqual(taken, { outcome: 'done', count: 2 })
      assert.equal((await decisions.take(subscription, letters, 3, decision('i1'))).outcome, 'repeated')
      assert.equal(await deadLetters.count(subscription, { fingerprint: 'f9' }, 'all'), 2)
      assert.equal((await control.parkedKeys(subscription, page)).items.length, 1)
      assert.deepEqual(await audit(), ['ada import 2'])
      const found = await deadLetters.find(subscription, 2n)
      assert.deepEqual([found?.time, found?.id], [messageOf(2, 'x').time, 'm-2'])
      assert.deepEqual([...(found?.payload ?? [])], [255, 0])
      await world.owner.query(`UPDATE estafet.parked_message SET state = 'applied' WHERE fingerprint = 'f9'`)
      // What was applied once does not come back.
      assert.deepEqual(await decisions.take(subscription, letters, 3, decision('i3')), { outcome: 'done', count: 0 })
    })

    test('removes what ended long ago, and what was replaced only with what replaced it', async () => {
      const { decisions } = world.operations
      await world.parkDead(3)
      await decisions.discard(subscription, { numbers: [1n] }, 1, decision('d'))
      await decisions.edit(subscription, { number: 2n, id: 'n', payload: '{}', fields: [] }, decision('e'))
      assert.equal(await decisions.prune(subscription, 30, 'estafet'), 0)
      await world.owner.query(`UPDATE estafet.parked_message SET ended_at = ended_at - interval '31 days'`)
      assert.equal(await decisions.prune(subscription, 30, 'estafet'), 1)
      assert.deepEqual(await states(), { dead: 1, replaced: 1, waiting: 1 })
      assert.deepEqual(await audit(), ['estafet prune 1', 'ada edit 1', 'ada discard 1'])
    })

    test('pauses and resumes, and audits only what changed something', async () => {
      const { control } = world.operations
      const by = { who: 'ada', reason: 'deploy' }
      assert.deepEqual(
        [await control.pause(subscription, true, by), await control.pause(subscription, true, by)],
        [true, false],
      )
      const { paused } = await control.state(subscription)
      assert.deepEqual([paused?.by, paused?.reason], ['ada', 'deploy'])
      assert.equal(await control.pause(subscription, false, by), true)
      assert.equal((await control.state(subscription)).paused, null)
      assert.deepEqual(await audit(), ['ada resume 1', 'ada pause 1'])
    })

    test('a replay sets lanes back, fences who works on them, and never sets one forward', async () => {
      const { control, replays } = world.operations
      const { lanes, unitOfWork } = world.store
      const held = [await lanes.take(world.group, 0, 'me', 60_000), await lanes.take(world.group, 1, 'me', 60_000)]
      const at = [40n, 7n]
      for (const [index, lane] of held.entries()) {
        assert.ok(lane !== null)
        const progress = { cursor: at[index] ?? 0n, marks: { 'orders/e': 3n } }
        await unitOfWork.run((tx) => lanes.save(tx, lane, progress))
        held[index] = { ...lane, ...progress }
      }
      const wanted = { feed, epoch: 'e', starts: [10n, 10n], reached: at, selection: '{}', count: 30, expected: 30 }
      const miscounted = await replays.replay(subscription, { ...wanted, count: 31 }, decision('p0'))
      assert.deepEqual(miscounted, { outcome: 'changed', count: 31 })
      const behind = await replays.replay(subscription, { ...wanted, reached: [41n, 7n] }, decision('p0'))
      assert.equal(behind.outcome, 'changed')
      assert.equal((await replays.replay(subscription, { ...wanted, feed: 'no' }, decision('p0'))).outcome, 'missing')
      assert.deepEqual(await replays.replay(subscription, wanted, decision('p1')), { outcome: 'done', count: 30 })
      assert.equal((await replays.replay(subscription, wanted, decision('p1'))).outcome, 'repeated')
      const state = await control.state(subscription)
      assert.deepEqual(
        state.lanes.map(({ lane, cursor, owner }) => [lane, cursor, owner]),
        [
          [0, 10n, null],
          [1, 7n, 'me'],
        ],
      )
      const [fenced, untouched] = held
      assert.ok(fenced && untouched)
      const late = unitOfWork.run((tx) => lanes.save(tx, fenced, { cursor: 41n, marks: {} }))
      await assert.rejects(late, { code: 'FENCED' })
      await unitOfWork.run((tx) => lanes.save(tx, untouched, { cursor: 8n, marks: {} }))
      const taken = await lanes.take(world.group, 0, 'other', 60_000)
      // One by the replay itself, one by the taking.
      assert.deepEqual([taken?.cursor, taken?.marks, taken?.fence], [10n, {}, fenced.fence + 2n])
      assert.deepEqual(await audit(), ['ada replay 30'])
    })

    test('a service can add to its audit and never change it', async () => {
      await world.operations.control.pause(subscription, true, { who: 'ada', reason: null })
      for (const text of [
        `UPDATE estafet.audit SET who = 'eve'`,
        'DELETE FROM estafet.audit',
        'TRUNCATE estafet.audit',
        'ALTER TABLE estafet.audit ADD COLUMN x int',
        'DROP TABLE estafet.audit',
        `INSERT INTO estafet.audit (number, who, action, subscription) OVERRIDING SYSTEM VALUE VALUES (1, 'e', 'a', 's')`,
      ]) {
        // The last one is no right that is missing: the number is taken.
        const code = text.startsWith('INSERT') ? '23505' : '42501'
        await assert.rejects(world.pool.query(text), { code }, text)
      }
      assert.deepEqual(await audit(), ['ada pause 1'])
    })
  })
}
