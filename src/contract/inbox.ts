import type { Inbox, SentId } from '../ports/inbox.ts'
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
        same(await take(driver, ['b', 'c'], { from: 4 }), ['c'], 'what is new then')
        same(
          await take(driver, ['a'], { subscription: 'other', from: 6 }),
          ['a'],
          'what is new to another subscription',
        )
        same(await take(driver, []), [], 'what is new of nothing')
      },
    },
    {
      says: 'an id that comes again from its place is fresh each time, and from no other',
      async holds(driver) {
        const fresh = async (...ids: readonly SentId[]): Promise<readonly string[]> => {
          const taken = await driver.unitOfWork.run((tx) => driver.inbox.take(tx, 's', ids))
          return taken.map(({ id, place }) => `${id} at ${place}`)
        }
        const [first, other, again] = [at('a', 'é 1'), at('b', '2'), at('a', '3')]
        same(await fresh(first, other, again), ['a at é 1', 'b at 2'], 'what is fresh at first')
        for (const time of ['once', 'twice']) {
          same(await fresh(again), [], `what is fresh of what was sent again, ${time}`)
          same(await fresh(first, other, again), ['a at é 1', 'b at 2'], `what is fresh from the beginning, ${time}`)
          same(await fresh(again, first), ['a at é 1'], `what is fresh in another order, ${time}`)
        }
      },
    },
    {
      says: 'an id that was taken in a transaction that is rolled back is still new',
      async holds(driver) {
        const undone = driver.unitOfWork.run(async (tx) => {
          await driver.inbox.take(tx, 's', [at('a', '1')])
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
        await driver.inbox.take(first.tx, 's', [at('a', '1')])
        const second = take(driver, ['a'], { from: 2 })
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
        same(await take(driver, odd, { from: 5 }), [], 'what is new then')
      },
    },
    {
      says: 'what was taken is forgotten after its time, and not before',
      async holds(driver) {
        await take(driver, ['a'])
        await driver.inbox.forget('s', 1)
        same(await take(driver, ['a'], { from: 2 }), [], 'what is new')
        await driver.moment()
        await driver.inbox.forget('other', 0)
        same(await take(driver, ['a'], { from: 3 }), [], 'what is new after another has forgotten')
        await driver.inbox.forget('s', 0)
        same(await take(driver, ['a'], { from: 4 }), ['a'], 'what is new once it is forgotten')
      },
    },
  ]
}

const at = (id: string, place: string): SentId => ({ id, place })

/** Takes ids of records that stand one after the other, and returns the fresh ones, sorted. */
async function take<Tx>(
  { inbox, unitOfWork }: InboxDriver<Tx>,
  ids: readonly string[],
  { subscription = 's', from = 1 }: { readonly subscription?: string; readonly from?: number } = {},
): Promise<readonly string[]> {
  const sent = ids.map((id, index) => at(id, String(from + index)))
  const fresh = await unitOfWork.run((tx) => inbox.take(tx, subscription, sent))
  return fresh.map(({ id }) => id).sort()
}
