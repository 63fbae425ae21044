import { type Clause, rejects, same, settlesWithin } from './clause.ts'
import { begun, booking, change, newSaga, opened, type SagasDriver, saved, step } from './sagas-driver.ts'
import { dueClauses } from './sagas-due.ts'

/** The promises of Sagas: each begins once, is open to one at a time, and is found when something of it is due. */
export function sagasClauses<Tx>(): readonly Clause<SagasDriver<Tx>>[] {
  return [...beginClauses<Tx>(), ...openClauses<Tx>(), ...saveClauses<Tx>(), ...dueClauses<Tx>()]
}

function beginClauses<Tx>(): readonly Clause<SagasDriver<Tx>>[] {
  return [
    {
      says: 'a saga begins once, running and with nothing done',
      async holds(driver) {
        same(await opened(driver, 'a'), null, 'a saga that nobody began')
        const tried: boolean[] = []
        for (const more of [{}, { type: 'another', input: '2' }, {}]) {
          tried.push(await driver.unitOfWork.run((tx) => driver.sagas.begin(tx, newSaga('a', more))))
        }
        same(tried, [true, false, false], 'whether it began')
        same(sorted(await opened(driver, 'a')), sorted(asNew('a')), 'the saga')
        same(await opened(driver, 'b'), null, 'another one')
      },
    },
    {
      says: 'a saga whose transaction is rolled back has not begun',
      async holds(driver) {
        const open = await driver.begin()
        same(await driver.sagas.begin(open.tx, newSaga('a')), true, 'whether it began')
        await driver.sagas.save(open.tx, 'a', change({ steps: [step('s')] }))
        same(await driver.sagas.begin(open.tx, newSaga('a')), false, 'whether it began again in its transaction')
        same((await driver.sagas.open(open.tx, 'a'))?.steps.length, 1, 'its steps in its transaction')
        same(await opened(driver, 'a'), null, 'what others see of it')
        await open.rollback()
        same(await opened(driver, 'a'), null, 'what is left')
        await begun(driver, newSaga('a'))
        same((await opened(driver, 'a'))?.steps, [], 'its steps, once it has begun')
      },
    },
    {
      says: 'who begins a saga that another transaction begins waits for its end, and begins it only if that did not',
      async holds(driver) {
        for (const end of ['commit', 'rollback'] as const) {
          const first = await driver.begin()
          await driver.sagas.begin(first.tx, newSaga(end))
          const second = driver.unitOfWork.run((tx) => driver.sagas.begin(tx, newSaga(end)))
          same(await settlesWithin(driver.moment(), second), false, 'whether the second was done before the first')
          await first[end]()
          same(await second, end === 'rollback', `whether the second began it after ${end}`)
        }
      },
    },
    {
      says: 'an id that is not 1 to 512 well-formed characters cannot begin, and is that of no saga',
      async holds(driver) {
        for (const id of ['', '\u0000', 'a\u0000', '\ud800', 'x'.repeat(513)]) {
          await rejects(
            driver.unitOfWork.run((tx) => driver.sagas.begin(tx, newSaga(id))),
            'INVALID_MESSAGE',
          )
          same(await opened(driver, id), null, 'a saga of this id')
        }
        const longest = '漢'.repeat(512)
        await begun(driver, newSaga(longest))
        same((await opened(driver, longest))?.id, longest, 'the longest id')
      },
    },
  ]
}

function openClauses<Tx>(): readonly Clause<SagasDriver<Tx>>[] {
  return [
    {
      says: 'who opens a saga that another transaction has open waits for its end, and sees what became of it',
      async holds(driver) {
        await begun(driver, newSaga('a'), change({ steps: [step('one')] }))
        const first = await driver.begin()
        await driver.sagas.open(first.tx, 'a')
        const second = opened(driver, 'a')
        same(await settlesWithin(driver.moment(), second), false, 'whether the second was done before the first')
        const steps = [step('one', { state: 'done', value: '1' }), step('two')]
        await driver.sagas.save(first.tx, 'a', change({ status: 'compensating', steps }))
        await first.commit()
        const seen = await second
        same(
          [seen?.status, seen?.steps.map(({ name, state, value }) => [name, state, value])],
          [
            'compensating',
            [
              ['one', 'done', '1'],
              ['two', 'waiting', null],
            ],
          ],
          'what the second saw',
        )
      },
    },
    {
      says: 'sagas are open each by itself: who opens another one does not wait',
      async holds(driver) {
        for (const id of ['a', 'b']) await begun(driver, newSaga(id))
        const first = await driver.begin()
        await driver.sagas.open(first.tx, 'a')
        same((await opened(driver, 'b'))?.id, 'b', 'the other one')
        await first.rollback()
      },
    },
    {
      says: 'what is saved shows in its transaction, to others once it has committed, and not after a rollback',
      async holds(driver) {
        await begun(driver, newSaga('a'), change({ steps: [step('one')] }))
        for (const end of ['rollback', 'commit'] as const) {
          const open = await driver.begin()
          await driver.sagas.open(open.tx, 'a')
          await driver.sagas.save(open.tx, 'a', change({ attention: end, steps: [step('one', { note: end })] }))
          const shown = [end, end]
          same(outline(await driver.sagas.open(open.tx, 'a')), shown, 'what its transaction sees')
          same(outline(await driver.search.show('a')), [null, null], 'what others see')
          await open[end]()
          same(outline(await opened(driver, 'a')), end === 'commit' ? shown : [null, null], `what is left by ${end}`)
        }
      },
    },
  ]
}

function saveClauses<Tx>(): readonly Clause<SagasDriver<Tx>>[] {
  return [
    {
      says: 'a save changes the steps that it names, adds new ones behind them, and leaves the others',
      async holds(driver) {
        await begun(driver, newSaga('a'), change({ steps: [step('c'), step('a', { tries: 1 }), step('b')] }))
        const next = [step('a', { state: 'done', tries: 2 }), step('e'), step('d')]
        await saved(driver, 'a', change({ steps: next }))
        await saved(driver, 'a', change({ steps: [] }))
        same(
          (await opened(driver, 'a'))?.steps.map(({ name, state, tries }) => [name, state, tries]),
          [
            ['c', 'waiting', 0],
            ['a', 'done', 2],
            ['b', 'waiting', 0],
            ['e', 'waiting', 0],
            ['d', 'waiting', 0],
          ],
          'the steps',
        )
      },
    },
    {
      says: 'steps of one saga are not those of another, though they have the same names',
      async holds(driver) {
        for (const id of ['a', 'b']) await begun(driver, newSaga(id), change({ steps: [step('s', { note: id })] }))
        await saved(driver, 'a', change({ steps: [step('s', { note: 'changed' }), step('t')] }))
        const notes = []
        for (const id of ['a', 'b']) notes.push((await opened(driver, id))?.steps.map(({ note }) => note))
        same(notes, [['changed', null], ['b']], 'the notes')
      },
    },
    {
      says: 'every field of a saga comes back as it was saved, and so does every field of its steps',
      async holds(driver) {
        const askedBy = JSON.stringify({ step: `'; é — 漢🙂` })
        const saga = newSaga(`a "'; 漢🙂`, { input: text, askedBy })
        await begun(driver, saga)
        for (const status of ['running', 'compensating', 'compensated', 'completed'] as const) {
          const {
            turnInMs: _,
            steps: __,
            ...as
          } = change({
            ...{ version: 2, hash: 'h2', status, result: text, failure: 'why é', attention: 'look 🙂', tries: 3 },
            error: 'E"',
          })
          await saved(driver, saga.id, { ...as, turnInMs: null, steps: full })
          const steps = full.map(({ due: ___, ...each }) => ({ ...each, isDue: false }))
          same(sorted(await opened(driver, saga.id)), sorted({ ...saga, ...as, steps }), status)
        }
      },
    },
    {
      says: 'a failure is saved, whatever text it holds',
      async holds(driver) {
        const odd = 'a\u0000\ud800 é'
        const note = step('s', { note: odd })
        await begun(driver, newSaga('a'), change({ tries: 7, failure: odd, attention: odd, error: odd, steps: [note] }))
        const saga = await opened(driver, 'a')
        const texts = [saga?.failure, saga?.attention, saga?.error, saga?.steps[0]?.note]
        same(
          [saga?.tries, texts.map((each) => each?.startsWith('a') === true && each.endsWith(' é'))],
          [7, [true, true, true, true]],
          'the tries, and what is left of the texts',
        )
      },
    },
  ]
}

const text = JSON.stringify({
  text: 'aé漢🙂\u0001"\\\u0000',
  none: null,
  empty: {},
  list: [],
  big: 'x'.repeat(300_000),
})

/** Steps of every kind in every state. */
const full = (['run', 'request', 'sleep', 'wait', 'event'] as const).flatMap((kind) =>
  (['asking', 'waiting', 'cancelling', 'undoing', 'done', 'refused', 'cancelled', 'undone', 'kept'] as const).map(
    (state, at) =>
      step(`${kind}, "${state}"\\ ${at % 2 === 0 ? '漢' : 'NULL'}`, {
        ...{ kind, state, value: at % 3 === 0 ? '{"a,b":["\\"}"]}' : null, request: at % 2 === 0 ? 'null' : null },
        ...{
          hasUndo: at % 2 === 0,
          isPivot: at % 3 === 0,
          tries: at,
          rank: at % 2 === 0 ? at : null,
          note: at % 2 === 0 ? null : 'NULL',
        },
      }),
  ),
)

function asNew(id: string): object {
  const { turnInMs: _, ...as } = change()
  return { ...newSaga(id), ...booking, ...as }
}

function outline(
  saga: { readonly attention: string | null; readonly steps: readonly { readonly note: string | null }[] } | null,
): unknown {
  return [saga?.attention, saga?.steps[0]?.note]
}

/** With its fields in one order, those of steps too. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]))
}
