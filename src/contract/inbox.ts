import type { Inbox } from '../ports/inbox.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'
import { type Clause, rejects, same, settlesWithin } from './clause.ts'
import type { OpenTransaction } from './log.ts'

/** What a driver's test gives to the clauses of Inbox: an empty database. */
export interface InboxDriver<Tx> {
  readonly inbox: Inbox<Tx>
  readonly unitOfWork: UnitOfWork<Tx>
  begin(): Promise<OpenTransaction<Tx>>
  /** Time enough to see that somebody waits. */
  moment(): Promise<void>
}

/** The promises of Inbox: each id is new once, in the transaction that commits it. */
export function inboxClauses<Tx>(): readonly Clause<InboxDriver<Tx>>[] {
  return [
    {
      says: 'an id is new once, for each subscription',
      async holds(driver) {
        same(await take(driver, ['a', 'b', 'a']), ['a', 'b'], 'what is new at first')
        same(await take(driver, ['b', 'c']), ['c'], 'what is new then')
        same(await take(driver, ['a'], 'other'), ['a'], 'what is new to another subscription')
        same(await take(driver, []), [], 'what is new of nothing')
      },
    },
    {
      says: 'an id that was taken in a transaction that is rolled back is still new',
      async holds(driver) {
        const undone = driver.unitOfWork.run(async (tx) => {
          await driver.inbox.take(tx, 's', ['a'])
          throw new Error('undone')
        })
        await rejects(undone, 'Error: undone')
        same(await take(driver, ['a']), ['a'], 'what is new')
      },
    },
    {
      says: 'who takes an id that another transaction is taking waits for its end',
      async holds(driver) {
        const first = await driver.begin()
        await driver.inbox.take(first.tx, 's', ['a'])
        const second = take(driver, ['a'])
        same(await settlesWithin(driver.moment(), second), false, 'whether the second was done before the first')
        await first.commit()
        same(await second, [], 'what is new to the second')
      },
    },
    {
      says: 'an id may hold any character and be long',
      async holds(driver) {
        const odd = ['é "\\ \n', 'x'.repeat(100_000), `${'x'.repeat(100_000)}y`, '']
        same(await take(driver, odd), [...odd].sort(), 'what is new')
        same(await take(driver, odd), [], 'what is new then')
      },
    },
    {
      says: 'what was taken is forgotten after its time, and not before',
      async holds(driver) {
        await take(driver, ['a'])
        await driver.inbox.forget('s', 1)
        same(await take(driver, ['a']), [], 'what is new')
        await driver.moment()
        await driver.inbox.forget('other', 0)
        same(await take(driver, ['a']), [], 'what is new after another has forgotten')
        await driver.inbox.forget('s', 0)
        same(await take(driver, ['a']), ['a'], 'what is new once it is forgotten')
      },
    },
  ]
}

async function take<Tx>({ inbox, unitOfWork }: InboxDriver<Tx>, ids: readonly string[], subscription = 's') {
  return [...(await unitOfWork.run((tx) => inbox.take(tx, subscription, ids)))].sort()
}
