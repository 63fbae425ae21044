import type { SagaFilter, SagaRow } from '../ports/saga-search.ts'
import { type Clause, holds, same } from './clause.ts'
import { at, begun, change, dueIn, longMs, newSaga, type SagasDriver, saved, step } from './sagas-driver.ts'

/** The promises of SagaSearch: what people see of sagas, and which of them they should look at. */
export function sagaSearchClauses<Tx>(): readonly Clause<SagasDriver<Tx>>[] {
  return [...listClauses<Tx>(), ...shownClauses<Tx>(), ...ageClauses<Tx>(), ...stuckClauses<Tx>()]
}

function listClauses<Tx>(): readonly Clause<SagasDriver<Tx>>[] {
  return [
    {
      says: 'sagas are listed in the order in which they began, page by page, each once',
      async holds(driver) {
        const ids = ['d', 'b', 'e', 'a', 'c', 'f']
        for (const id of ids) await begun(driver, newSaga(id))
        // What happens to a saga does not move it.
        await saved(driver, 'e', change({ status: 'completed' }))
        for (const limit of [1, 2, 3, 4, 6, 9]) {
          const pages: SagaRow[][] = []
          let after: bigint | null = null
          do {
            const { items, next }: { items: readonly SagaRow[]; next: bigint | null } = await driver.search.list(
              everything,
              { after, limit },
            )
            pages.push([...items])
            after = next
          } while (after !== null && pages.length < 20)
          same(
            pages.map((page) => page.length),
            Array.from({ length: Math.ceil(6 / limit) }, (_, page) => Math.min(limit, 6 - page * limit)),
            `sizes of pages of ${limit}`,
          )
          same(
            pages.flat().map(({ id }) => id),
            ids,
            `the order in pages of ${limit}`,
          )
          holds(
            pages
              .flat()
              .every(({ number }, place, rows) => place === 0 || number > (rows[place - 1]?.number ?? number)),
            'numbers ascend',
          )
        }
        same(await driver.search.list({ ...everything, type: 'none' }, { after: null, limit: 9 }), nothing, 'of none')
      },
    },
    {
      says: 'sagas are listed by type, by status, and by both',
      async holds(driver) {
        for (const type of ['booking', 'order']) {
          for (const status of ['running', 'compensating', 'completed', 'compensated'] as const) {
            await begun(driver, newSaga(`${type} ${status}`, { type }), change({ status }))
          }
        }
        for (const status of ['running', 'compensating', 'completed', 'compensated'] as const) {
          same(await listed(driver, { status }), [`booking ${status}`, `order ${status}`], status)
        }
        const orders = ['order running', 'order compensating', 'order completed', 'order compensated']
        same(await listed(driver, { type: 'order' }), orders, 'of a type')
        same(await listed(driver, { type: 'order', status: 'compensating' }), ['order compensating'], 'of both')
        same(await listed(driver, { type: 'none' }), [], 'of a type that is not there')
      },
    },
    {
      says: 'what is not committed is neither listed nor shown nor counted',
      async holds(driver) {
        await begun(driver, newSaga('a'))
        const open = await driver.begin()
        await driver.sagas.begin(open.tx, newSaga('b'))
        await driver.sagas.open(open.tx, 'a')
        await driver.sagas.save(open.tx, 'a', change({ status: 'completed' }))
        const look = async () => [
          await listed(driver, {}),
          (await driver.search.show('a'))?.status,
          (await driver.search.show('b'))?.status,
          (await driver.search.summary()).map(({ status, sagas }) => [status, sagas]),
        ]
        same(await look(), [['a'], 'running', undefined, [['running', 1]]], 'before the commit')
        await open.commit()
        const counted = [
          ['completed', 1],
          ['running', 1],
        ]
        same(await look(), [['a', 'b'], 'completed', 'running', counted], 'after it')
      },
    },
    {
      says: 'sagas are counted by type, version, hash and status, in this order',
      async holds(driver) {
        for (const [id, type, version, hash, status, isStuck] of [
          ['1', 'order', 1, 'h1', 'running', false],
          ['2', 'booking', 10, 'h1', 'running', true],
          ['3', 'booking', 2, 'h2', 'running', true],
          ['4', 'booking', 2, 'h2', 'running', false],
          ['5', 'booking', 2, 'h1', 'completed', true],
          ['6', 'booking', 2, 'h2', 'compensating', false],
          ['7', 'booking', 2, 'h1', 'completed', false],
          ['8', 'Booking', 2, 'h1', 'completed', false],
        ] as const) {
          const as = { version, hash, status, attention: isStuck ? 'look' : null }
          await begun(driver, newSaga(id, { type, version, hash }), { ...dueIn(longMs), ...as })
        }
        same(
          (await driver.search.summary()).map(({ type, version, hash, status, sagas, stuck }) =>
            [type, version, hash, status, sagas, stuck].join(' '),
          ),
          [
            'Booking 2 h1 completed 1 0',
            'booking 2 h1 completed 2 0',
            'booking 2 h2 compensating 1 0',
            'booking 2 h2 running 2 1',
            'booking 10 h1 running 1 1',
            'order 1 h1 running 1 0',
          ],
          'the counts',
        )
      },
    },
  ]
}

function shownClauses<Tx>(): readonly Clause<SagasDriver<Tx>>[] {
  return [
    {
      says: 'a saga is shown whole, with all its steps in their order; a list names those that are open',
      async holds(driver) {
        const saga = newSaga('a 漢"', { input: '{"n":"\\u0000"}', askedBy: '{"step":"s"}' })
        const open = (['asking', 'waiting', 'cancelling', 'undoing'] as const).map((state, tries) =>
          step(`open ${state}`, { ...{ state, tries, request: '{"a":"\\u0000"}', note: '"', hasUndo: true } }),
        )
        const ended = (['done', 'refused', 'cancelled', 'undone', 'kept'] as const).map((state) =>
          step(`ended ${state}`, { state, kind: 'event', value: '[]', isPivot: true }),
        )
        const { turnInMs, steps, ...as } = change({
          ...{ version: 2, hash: 'h2', status: 'compensating', result: '1', failure: 'no room', attention: 'look' },
          ...{ tries: 3, error: 'Error', steps: [...ended, ...open] },
        })
        await begun(driver, saga, { ...as, turnInMs, steps })
        await begun(driver, newSaga('b'))
        same(await driver.search.show('none'), null, 'a saga that is not there')
        const shown = await driver.search.show(saga.id)
        const { id, type, correlationId, input, askedBy } = saga
        for (const [name, value] of Object.entries({ id, type, correlationId, input, askedBy, ...as })) {
          same(shown?.[name as keyof typeof shown], value, name)
        }
        same(
          shown?.steps.map(({ begunAt: _, changedAt: __, dueAt: ___, ...each }) => texts(each)),
          steps.map(({ due: _, ...each }) => texts({ ...each, isDue: false })),
          'the steps',
        )
        const named = open.map(({ name, kind, state, tries }) => [name, kind, state, tries])
        const rows = (await driver.search.list(everything, { after: null, limit: 9 })).items
        same(
          [shown, ...rows].map((row) =>
            row?.openSteps.map(({ name, kind, state, tries }) => [name, kind, state, tries]),
          ),
          [named, named, []],
          'the open steps',
        )
        same(texts(rows[0]), texts({ ...shown, ...without }), 'the row')
      },
    },
    {
      says: 'times are told as they were said, and by the clock of the database',
      async holds(driver) {
        const [before, instant] = [await driver.now(), await at(driver, longMs)]
        const dues = [longMs + 5_000, instant, null]
        await begun(driver, newSaga('a'), change({ steps: dues.map((due, number) => step(`${number}`, { due })) }))
        const first = await driver.search.show('a')
        const [inMs, atInstant, never] = first?.steps ?? []
        same(ms(inMs?.dueAt) - ms(inMs?.changedAt), longMs + 5_000, 'in how many ms it is due')
        same([ms(atInstant?.dueAt), never?.dueAt], [ms(instant), null], 'when the others are due')
        same(ms(first?.dueAt), ms(instant), 'when the saga is due')
        await driver.lapse(2)
        await saved(driver, 'a', change({ turnInMs: 50_000, steps: [step('0', { due: null })] }))
        const then = await driver.search.show('a')
        same(ms(then?.dueAt) - ms(then?.progressedAt), 50_000, 'in how many ms it wants a turn')
        same([then?.startedAt, then?.steps[0]?.begunAt], [first?.startedAt, first?.steps[0]?.begunAt], 'what began')
        holds(ms(then?.progressedAt) > ms(first?.progressedAt), 'it progressed later')
        holds(ms(then?.steps[0]?.changedAt) > ms(first?.steps[0]?.changedAt), 'the step changed later')
        same(then?.steps[1]?.changedAt, first?.steps[1]?.changedAt, 'when the others changed')
        const now = await driver.now()
        holds(
          ms(first?.startedAt) >= before - 1 && ms(then?.progressedAt) <= now + 1,
          'it is the clock of the database',
        )
      },
    },
  ]
}

function ageClauses<Tx>(): readonly Clause<SagasDriver<Tx>>[] {
  return [
    {
      says: 'an open saga is idle since it last got on, and one at its end is not',
      async holds(driver) {
        await begun(driver, newSaga('open'))
        await begun(driver, newSaga('ended'), change({ status: 'completed' }))
        await driver.lapse(1_000)
        same(await listed(driver, { idleSeconds: 1 }), ['open'], 'idle for a second')
        same(await listed(driver, { idleSeconds: 600 }), [], 'idle for ten minutes')
        const [ended, open] = (await driver.search.summary()).map(({ idleSeconds }) => idleSeconds)
        holds(open !== undefined && open >= 1 && open < 600, `the summary tells seconds: ${open}`)
        same([ended, (await driver.search.show('ended'))?.idleSeconds], [0, 0], 'how long the other is idle')
        holds(((await driver.search.show('open'))?.idleSeconds ?? 0) >= 1, 'the saga tells it')
      },
    },
    {
      says: 'how long the stuck ones did not get on is told without those that are well',
      async holds(driver) {
        await begun(driver, newSaga('well'), dueIn(longMs))
        await begun(driver, newSaga('ended'), change({ status: 'completed', attention: 'look' }))
        await driver.lapse(1_000)
        await begun(driver, newSaga('stuck'), { ...dueIn(longMs), attention: 'look' })
        await driver.lapse(1_000)
        const [ended, open] = await driver.search.summary()
        same([ended?.idleSeconds, ended?.stuckSeconds], [0, 0], 'of one that has ended')
        const { idleSeconds = 0, stuckSeconds = 0 } = open ?? {}
        holds(stuckSeconds >= 1 && stuckSeconds < idleSeconds, `it tells seconds: ${stuckSeconds} of ${idleSeconds}`)
      },
    },
    {
      says: 'a saga is overdue since the time of the first that is due, and not before it',
      async holds(driver) {
        const dues = [await at(driver, -longMs), await at(driver, -5_000), longMs]
        await begun(driver, newSaga('late'), change({ steps: dues.map((due, number) => step(`${number}`, { due })) }))
        await begun(driver, newSaga('early'), dueIn(longMs))
        await begun(driver, newSaga('never'), dueIn(null))
        const { items } = await driver.search.list(everything, { after: null, limit: 9 })
        const [late = 0, ...others] = items.map(({ overdueSeconds }) => overdueSeconds)
        same(others, [0, 0], 'by how much the others are overdue')
        holds(late >= longMs / 1_000 && late < longMs / 500, `it tells seconds: ${late}`)
      },
    },
  ]
}

function stuckClauses<Tx>(): readonly Clause<SagasDriver<Tx>>[] {
  return [
    {
      says: 'an open saga is stuck when it asks for a person, when nothing of it will be due, and when nobody takes it up',
      async holds(driver) {
        const [longAgo, justNow] = [await at(driver, -120_000), await at(driver, -1_000)]
        const cases = {
          'never saved': null,
          'asks, and is due later': { ...dueIn(longMs), attention: 'look' },
          'nothing is due': dueIn(null),
          'nothing but what is done': change({ steps: [step('s', { state: 'done', due: longMs })] }),
          'due for two minutes': dueIn(longAgo),
          'taken back, and nothing is due': { ...dueIn(null), status: 'compensating' as const },
        }
        const well = {
          'due later': dueIn(longMs),
          'due since a second': dueIn(justNow),
          'wants a turn': change({ turnInMs: longMs }),
          'asks, and has ended': change({ status: 'completed', attention: 'look' }),
          'has ended': change({ status: 'compensated' }),
        }
        for (const [id, as] of Object.entries({ ...cases, ...well })) await begun(driver, newSaga(id), as)
        same(await listed(driver, { isStuck: true }), Object.keys(cases), 'what is listed as stuck')
        const rows = (await driver.search.list(everything, { after: null, limit: 20 })).items
        same(
          rows.filter((row) => row.isStuck).map(({ id }) => id),
          Object.keys(cases),
          'what says that it is stuck',
        )
        same((await driver.search.show('nothing is due'))?.isStuck, true, 'what one says')
        same(
          await listed(driver, { isStuck: true, status: 'compensating' }),
          ['taken back, and nothing is due'],
          'of a status',
        )
        same(
          (await driver.search.summary()).map(({ status, stuck }) => `${status} ${stuck}`),
          ['compensated 0', 'compensating 1', 'completed 0', 'running 5'],
          'how many are stuck',
        )
      },
    },
  ]
}

const everything: SagaFilter = { type: null, status: null, idleSeconds: null, isStuck: false }
const nothing = { items: [], next: null }
/** What a list does not tell. */
const without = { input: undefined, result: undefined, askedBy: undefined, steps: undefined }

async function listed<Tx>({ search }: SagasDriver<Tx>, filter: Partial<SagaFilter>): Promise<readonly string[]> {
  const { items } = await search.list({ ...everything, ...filter }, { after: null, limit: 99 })
  return items.map(({ id }) => id)
}

/** Fields as texts, in one order. */
function texts(value: object | undefined): readonly string[] {
  return Object.entries(value ?? {})
    .filter(([name, inner]) => inner !== undefined && name !== 'openSteps' && name !== 'idleSeconds')
    .map(([name, inner]) => `${name}: ${inner}`)
    .toSorted()
}

function ms(instant: string | null | undefined): number {
  return Date.parse(instant ?? '')
}
