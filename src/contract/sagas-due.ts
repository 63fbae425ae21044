import { type Clause, same, settlesWithin } from './clause.ts'
import {
  at,
  begun,
  booking,
  change,
  claimed,
  drained,
  dueIn,
  longMs,
  newSaga,
  opened,
  type SagasDriver,
  saved,
  step,
} from './sagas-driver.ts'

/** The promises of Sagas about time: what is due, and who gets it. */
export function dueClauses<Tx>(): readonly Clause<SagasDriver<Tx>>[] {
  return [...timeClauses<Tx>(), ...claimClauses<Tx>(), ...sharingClauses<Tx>()]
}

function timeClauses<Tx>(): readonly Clause<SagasDriver<Tx>>[] {
  return [
    {
      says: 'a step is due from its time on: in so many ms, at an instant, or never',
      async holds(driver) {
        const dues = [0, 20, longMs, await at(driver, -longMs), await at(driver, longMs), null]
        await begun(driver, newSaga('a'), change({ steps: dues.map((due, number) => step(`${number}`, { due })) }))
        await driver.lapse(20)
        const due = (await opened(driver, 'a'))?.steps.map(({ isDue }) => isDue)
        same(due, [true, true, false, true, false, false], 'which steps are due')
      },
    },
    {
      says: 'a saga is due with the first of its steps, and not before',
      async holds(driver) {
        const steps = [longMs, 10, null].map((due, number) => step(`${number}`, { due }))
        await begun(driver, newSaga('begun'))
        await begun(driver, newSaga('without steps'), change())
        await begun(driver, newSaga('not yet'), dueIn(longMs))
        await begun(driver, newSaga('never'), dueIn(null))
        same(await claimed(driver), null, 'what is due at first')
        await begun(driver, newSaga('a step'), change({ steps }))
        await driver.lapse(10)
        same(await drained(driver), ['a step'], 'what is due')
      },
    },
    {
      says: 'a saga that wants its next turn at a time is due then, whatever its steps say, until it is saved without',
      async holds(driver) {
        await begun(driver, newSaga('put off'), { ...dueIn(await at(driver, -longMs)), turnInMs: longMs })
        await begun(driver, newSaga('wants it'), { ...dueIn(longMs), turnInMs: 10 })
        await driver.lapse(10)
        same(await claimed(driver), 'wants it', 'what is due')
        await saved(driver, 'wants it', dueIn(longMs))
        same(await claimed(driver), null, 'what is due once that does not want it any more')
        same((await opened(driver, 'put off'))?.steps[0]?.isDue, true, 'whether the step of the other is due')
        await saved(driver, 'put off', change())
        same(await claimed(driver), 'put off', 'what is due once the other is not put off any more')
      },
    },
    {
      says: 'a step that a save leaves out keeps its time, and one that it names has the new one',
      async holds(driver) {
        const steps = [step('one', { due: longMs }), step('two', { due: 0 })]
        await begun(driver, newSaga('a'), change({ steps }))
        await saved(driver, 'a', change({ steps: [step('one', { due: longMs })] }))
        await driver.lapse(1)
        same(await claimed(driver), 'a', 'what is due')
        await saved(driver, 'a', change({ steps: [step('two', { due: longMs })] }))
        same(await claimed(driver), null, 'what is due once the step was put off')
      },
    },
    {
      says: 'nothing of a saga at its end is due, nor a step at its end',
      async holds(driver) {
        for (const status of ['completed', 'compensated'] as const) {
          await begun(driver, newSaga(status), dueIn(0))
          await saved(driver, status, change({ status, turnInMs: 0 }))
        }
        const ends = ['done', 'refused', 'cancelled', 'undone', 'kept'] as const
        const named = ends.map((name) => step(name, { due: 0 }))
        await begun(driver, newSaga('steps'), change({ steps: named }))
        await saved(driver, 'steps', change({ steps: ends.map((state) => step(state, { state, due: 0 })) }))
        await driver.lapse(1)
        same(await claimed(driver), null, 'what is due')
        const due = (await opened(driver, 'steps'))?.steps.map(({ isDue }) => isDue)
        same(
          due,
          ends.map(() => false),
          'which steps are due',
        )
        const open = (['asking', 'waiting', 'cancelling', 'undoing'] as const).map((state) =>
          step(state, { state, due: 0 }),
        )
        await saved(driver, 'steps', change({ status: 'compensating', steps: open }))
        await driver.lapse(1)
        same(
          (await opened(driver, 'steps'))?.steps.filter(({ isDue }) => isDue).length,
          4,
          'how many open steps are due',
        )
        same(await claimed(driver), 'steps', 'what is due while it is taken back')
      },
    },
  ]
}

function claimClauses<Tx>(): readonly Clause<SagasDriver<Tx>>[] {
  return [
    {
      says: 'what is longest overdue is claimed first',
      async holds(driver) {
        for (const [id, agoMs] of Object.entries({ b: 2_000, d: 4_000, a: 1_000, e: 5_000, c: 3_000 })) {
          await begun(driver, newSaga(id), dueIn(await at(driver, -agoMs)))
        }
        same(await claimed(driver), 'e', 'the first')
        same(await drained(driver), ['e', 'd', 'c', 'b', 'a'], 'the order')
      },
    },
    {
      says: 'what was committed late is claimed, though its time came before that of others that were claimed meanwhile',
      async holds(driver) {
        const late = await driver.begin()
        await driver.sagas.begin(late.tx, newSaga('late'))
        await driver.sagas.save(late.tx, 'late', dueIn(await at(driver, -3_000)))
        await begun(driver, newSaga('later'), dueIn(await at(driver, -1_000)))
        await begun(driver, newSaga('old'), dueIn(longMs))
        const old = await driver.begin()
        await driver.sagas.open(old.tx, 'old')
        await driver.sagas.save(old.tx, 'old', dueIn(await at(driver, -2_000)))
        same(await drained(driver), ['later'], 'what is due while the others are open')
        await late.commit()
        await old.commit()
        same(await drained(driver), ['late', 'old'], 'what is due once they are committed')
      },
    },
    {
      says: 'sagas of the definitions asked for are claimed, by type and version, and no others',
      async holds(driver) {
        const due = await at(driver, -1_000)
        for (const [type, version] of [
          ['a', 1],
          ['a', 2],
          ['b', 1],
          ['b', 2],
          ['c', 1],
          ['a 1', 2],
        ] as const) {
          await begun(driver, newSaga(`${type}.${version}`, { type, version }), { ...dueIn(due), version })
        }
        same(await claimed(driver, []), null, 'of no definition')
        const asked = [
          { type: 'a', version: 1 },
          { type: 'b', version: 2 },
          { type: 'd', version: 1 },
        ]
        same((await drained(driver, asked)).toSorted(), ['a.1', 'b.2'], 'of those asked for')
        same(await drained(driver, [{ type: 'a 1', version: 2 }]), ['a 1.2'], 'of another')
      },
    },
    {
      says: 'a saga that was put on another version is claimed by that',
      async holds(driver) {
        await begun(driver, newSaga('a'), dueIn(await at(driver, -1_000)))
        await saved(driver, 'a', change({ version: 2 }))
        same(await claimed(driver), null, 'of the old version')
        same(await claimed(driver, [{ ...booking, version: 2 }]), 'a', 'of the new one')
      },
    },
  ]
}

function sharingClauses<Tx>(): readonly Clause<SagasDriver<Tx>>[] {
  return [
    {
      says: 'a saga that another transaction has open is passed over, and not waited for',
      async holds(driver) {
        await begun(driver, newSaga('first'), dueIn(await at(driver, -2_000)))
        await begun(driver, newSaga('second'), dueIn(await at(driver, -1_000)))
        const open = await driver.begin()
        await driver.sagas.open(open.tx, 'first')
        same(await claimed(driver), 'second', 'what is claimed meanwhile')
        same(await driver.sagas.claim(open.tx, [booking]), 'first', 'what is claimed by who has it open')
        await saved(driver, 'second', dueIn(null))
        same(await claimed(driver), null, 'what is claimed when no other is due')
        await open.commit()
        same(await claimed(driver), 'first', 'what is claimed after that')
      },
    },
    {
      says: 'a saga is open to who claimed it: who opens it waits, and it is as it was when that is rolled back',
      async holds(driver) {
        await begun(driver, newSaga('a'), dueIn(await at(driver, -1_000)))
        const open = await driver.begin()
        same(await driver.sagas.claim(open.tx, [booking]), 'a', 'what is claimed')
        const second = opened(driver, 'a')
        same(await settlesWithin(driver.moment(), second), false, 'whether the second was done before the first')
        await driver.sagas.save(open.tx, 'a', dueIn(null))
        same(await driver.sagas.claim(open.tx, [booking]), null, 'what is due in its transaction')
        await open.rollback()
        same((await second)?.steps[0]?.isDue, true, 'whether its step is due to the second')
        same(await claimed(driver), 'a', 'what is claimed after that')
      },
    },
    {
      says: 'of several that claim and work at the same time each gets another saga, until none is left',
      async holds(driver) {
        const due = await at(driver, -1_000)
        for (const id of ['a', 'b', 'c']) await begun(driver, newSaga(id), dueIn(due))
        const taken: string[] = []
        const work = async (): Promise<void> => {
          for (let isDone = false; !isDone && taken.length < 20; ) {
            isDone = await driver.unitOfWork.run(async (tx) => {
              const id = await driver.sagas.claim(tx, [booking])
              if (id === null) return true
              const saga = await driver.sagas.open(tx, id)
              taken.push(`${id}, due: ${saga?.steps[0]?.isDue}`)
              await driver.sagas.save(tx, id, dueIn(null))
              return false
            })
          }
        }
        await Promise.all([1, 2, 3, 4].map(work))
        same(taken.toSorted(), ['a, due: true', 'b, due: true', 'c, due: true'], 'what was taken')
      },
    },
  ]
}
