import type { FlowFilter, FlowSearch } from '../ports/flow-search.ts'
import type { FlowEvent, FlowName, Flows, FlowView } from '../ports/flows.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'
import { type Clause, holds, rejects, same, settlesWithin } from './clause.ts'
import type { OpenTransaction } from './log.ts'

/** What a driver's test gives to the clauses of Flows: an empty database. */
export interface FlowDriver<Tx> {
  readonly flows: Flows<Tx>
  readonly search: FlowSearch
  readonly unitOfWork: UnitOfWork<Tx>
  begin(): Promise<OpenTransaction<Tx>>
  /** Time enough to see that somebody waits. */
  moment(): Promise<void>
}

/** The promises of Flows: all that happened in a flow is known to whoever adds to it, and what should have happened is found. */
export function flowClauses<Tx>(): readonly Clause<FlowDriver<Tx>>[] {
  return [
    {
      says: 'an event is noted once for its source and id, and all of the same flow are known with it',
      async holds(driver) {
        same(await noted(driver, trip('t-1'), event('m-1')), ['booking m-1'], 'the first')
        same(await noted(driver, trip('t-1'), event('m-2')), ['booking m-1', 'booking m-2'], 'the second')
        same(await noted(driver, trip('t-1'), event('m-1')), ['booking m-1', 'booking m-2'], 'the first again')
        const elsewhere = event('m-1', { source: 'hotel' })
        const all = ['booking m-1', 'booking m-2', 'hotel m-1']
        same(await noted(driver, trip('t-1'), elsewhere), all, 'one of the same id from elsewhere')
      },
    },
    {
      says: 'flows have nothing of each other, by their kind and by their correlation id',
      async holds(driver) {
        await noted(driver, trip('t-1'), event('m-1'))
        same(await noted(driver, trip('t-2'), event('m-2')), ['booking m-2'], 'another one')
        same(await noted(driver, { ...trip('t-1'), flow: 'visa' }, event('m-1')), ['booking m-1'], 'of another kind')
        same(await noted(driver, trip('t-1'), event('m-3')), ['booking m-1', 'booking m-3'], 'the first one')
      },
    },
    {
      says: 'an event in a transaction that is rolled back was not noted',
      async holds(driver) {
        const undone = driver.unitOfWork.run(async (tx) => {
          await driver.flows.note(tx, trip('t-1'), event('m-1'))
          await driver.flows.save(tx, trip('t-1'), waiting())
          throw new Error('undone')
        })
        await rejects(undone, 'Error: undone')
        same(await driver.search.show(trip('t-1')), null, 'the flow')
        same(await noted(driver, trip('t-1'), event('m-2')), ['booking m-2'], 'what is known')
      },
    },
    {
      says: 'who notes an event of a flow that another transaction adds to waits for its end, and knows what it added',
      async holds(driver) {
        for (const [name, before] of [
          ['t-1', []],
          ['t-2', ['m-0']],
        ] as const) {
          for (const id of before) await noted(driver, trip(name), event(id))
          const first = await driver.begin()
          await driver.flows.note(first.tx, trip(name), event('m-1'))
          const second = noted(driver, trip(name), event('m-2'))
          same(await settlesWithin(driver.moment(), second), false, 'whether the second was done before the first')
          await first.commit()
          same(
            await second,
            [...before, 'm-1', 'm-2'].map((id) => `booking ${id}`),
            'what the second knows',
          )
        }
      },
    },
    {
      says: 'a flow is shown as it was last saved, with what happened in it in order of time',
      async holds(driver) {
        same(await driver.search.show(trip('t-1')), null, 'one that nobody knows')
        await saved(driver, trip('t-1'), waiting(), event('m-2', { at: '2026-01-01T00:00:02.000000Z' }))
        await saved(driver, trip('t-1'), waiting({ dueAt: past }), event('m-9', { at: '2026-01-01T00:00:01.000000Z' }))
        await saved(driver, trip('t-1'), waiting(), event('m-1', { at: '2026-01-01T00:00:02.000000Z' }))
        const shown = await driver.search.show(trip('t-1'))
        const none = { number: 0n, idleSeconds: -1, overdueSeconds: -1, events: [] }
        const { number, idleSeconds, overdueSeconds, events, ...view } = shown ?? none
        same(
          events.map(({ id }) => id),
          ['m-9', 'm-1', 'm-2'],
          'what happened',
        )
        same(
          Object.entries(events[0] ?? {}).toSorted(),
          Object.entries(event('m-9', { at: '2026-01-01T00:00:01.000000Z' })).toSorted(),
          'the first of it',
        )
        same(sorted(view), sorted({ ...trip('t-1'), ...waiting() }), 'the row')
        same([number > 0n, overdueSeconds], [true, 0], 'its number, and how much it is overdue')
        holds(idleSeconds > 86_400, 'one in which nothing happened for years is not said to be idle')
        await saved(driver, trip('t-2'), ended({ lastAt: future }))
        same(
          (await driver.search.show(trip('t-2')))?.idleSeconds,
          0,
          'for how long nothing happened after what is to come',
        )
      },
    },
    {
      says: 'flows that wait for what should have happened by now are found, and no others',
      async holds(driver) {
        await saved(driver, trip('late'), waiting({ dueAt: past }))
        await saved(driver, trip('in time'), waiting({ dueAt: future }))
        await saved(driver, trip('over'), waiting({ dueAt: past }), event('m-1'))
        await saved(driver, trip('over'), ended(), event('m-2'))
        await saved(driver, trip('unbegun'), { ...waiting({ dueAt: past }), status: 'unbegun', begunAt: null })
        await saved(driver, { ...trip('late'), flow: 'visa' }, waiting({ dueAt: past }))
        same(await found(driver, { isOverdue: true }), ['trip late', 'visa late'], 'what is overdue')
        same(await found(driver, { isOverdue: true, flow: 'trip' }), ['trip late'], 'what is overdue of one kind')
        same(await found(driver, { status: 'ended' }), ['trip over'], 'what is over')
        same(await found(driver, { status: 'unbegun' }), ['trip unbegun'], 'what is unbegun')
        same(await found(driver, { status: 'waiting' }), ['trip late', 'trip in time', 'visa late'], 'what waits')
        const { items } = await driver.search.list({ ...any, isOverdue: true }, page)
        holds(
          items.every(({ overdueSeconds }) => overdueSeconds > 86_400),
          'what is overdue for years is not said to be',
        )
        const counted = await driver.search.summary()
        const expected = [
          { flow: 'trip', unbegun: 1, waiting: 2, overdue: 1, ended: 1 },
          { flow: 'visa', unbegun: 0, waiting: 1, overdue: 1, ended: 0 },
        ]
        same(counted.map(sorted), expected.map(sorted), 'how many there are')
      },
    },
    {
      says: 'pages of flows go on where the one before ended, the first seen first',
      async holds(driver) {
        const all = ['t-3', 't-1', 't-4', 't-2']
        for (const name of all) await saved(driver, trip(name), waiting())
        await saved(driver, trip('t-3'), waiting(), event('m-2'))
        const seen: string[] = []
        let after: bigint | null = null
        for (let pages = 1; pages <= 2; pages++) {
          const { items, next } = await driver.search.list(any, { after, limit: 2 })
          seen.push(...items.map(({ correlationId }) => correlationId))
          same(next === null, pages === 2, 'whether there is no more')
          after = next
        }
        same(seen, all, 'the flows')
      },
    },
    {
      says: 'flows are forgotten after their time, and not before, nor while they wait',
      async holds(driver) {
        await saved(driver, trip('over'), ended())
        await saved(driver, trip('unbegun'), { ...ended(), status: 'unbegun', begunAt: null })
        await saved(driver, trip('late'), waiting({ dueAt: past }))
        await saved(driver, trip('to come'), ended({ lastAt: future }))
        const all = ['trip over', 'trip unbegun', 'trip late', 'trip to come']
        await driver.unitOfWork.run((tx) => driver.flows.forget(tx, 100_000))
        same(await found(driver), all, 'what is known')
        await driver.unitOfWork.run((tx) => driver.flows.forget(tx, 1))
        same(await found(driver), ['trip late', 'trip to come'], 'what is known then')
        same(
          await noted(driver, trip('over'), event('m-9')),
          ['booking m-9'],
          'what is known of one that was forgotten',
        )
      },
    },
  ]
}

const past = '2001-01-01T00:00:00.000000Z'
const future = '2999-01-01T00:00:00.000000Z'
const any: FlowFilter = { flow: null, status: null, isOverdue: false }
const page = { after: null, limit: 100 }

function trip(correlationId: string): FlowName {
  return { flow: 'trip', correlationId }
}

function event(id: string, more: Partial<FlowEvent> = {}): FlowEvent {
  return { source: 'booking', id, type: 'trip.requested', at: past, ...more }
}

function waiting(more: Partial<FlowView> = {}): FlowView {
  const { dueAt = future } = more
  const awaited = [
    { after: 'trip.requested', oneOf: ['room.reserved', 'room.refused'], count: 1, since: past, until: dueAt ?? '' },
  ]
  return { status: 'waiting', begunAt: past, lastAt: past, awaited, dueAt, ...more }
}

function ended(more: Partial<FlowView> = {}): FlowView {
  return { status: 'ended', begunAt: past, lastAt: past, awaited: [], dueAt: null, ...more }
}

async function noted<Tx>({ flows, unitOfWork }: FlowDriver<Tx>, name: FlowName, happened: FlowEvent) {
  const known = await unitOfWork.run((tx) => flows.note(tx, name, happened))
  return known.map(({ source, id }) => `${source} ${id}`).toSorted()
}

async function saved<Tx>(
  { flows, unitOfWork }: FlowDriver<Tx>,
  name: FlowName,
  view: FlowView,
  happened = event('m-1'),
) {
  await unitOfWork.run(async (tx) => {
    await flows.note(tx, name, happened)
    await flows.save(tx, name, view)
  })
}

async function found<Tx>({ search }: FlowDriver<Tx>, filter: Partial<FlowFilter> = {}): Promise<readonly string[]> {
  const { items } = await search.list({ ...any, ...filter }, page)
  return items.map(({ flow, correlationId }) => `${flow} ${correlationId}`)
}

function sorted(value: object): unknown {
  return Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
}
