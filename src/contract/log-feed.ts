import { isEstafetError } from '../message/errors.ts'
import type { Delivery, EncodedMessage } from '../message/message.ts'
import type { Feed } from '../ports/feed.ts'
import type { Outbox } from '../ports/outbox.ts'
import { type Clause, holds, same } from './clause.ts'
import type { OpenTransaction } from './log.ts'
import { sample } from './message.ts'

/** What a driver's test gives to these clauses: an empty log, its writer, and readers that know nothing of each other. */
export interface LogFeedDriver<Tx> {
  readonly outbox: Outbox<Tx>
  begin(): Promise<OpenTransaction<Tx>>
  /** A new reader of all topics, with at least two lanes. */
  feed(): Feed
  moment(): Promise<void>
}

/** The promises of Feed where it reads a log: nothing lost, nothing early, nothing twice. */
export function logFeedClauses<Tx>(): readonly Clause<LogFeedDriver<Tx>>[] {
  return [...orderClauses<Tx>(), ...gapClauses<Tx>(), ...fetchClauses<Tx>()]
}

function orderClauses<Tx>(): readonly Clause<LogFeedDriver<Tx>>[] {
  return [
    {
      says: 'every committed message is handed out once, those of a key in one lane and in order',
      async holds(driver) {
        const reader = follower(driver.feed())
        for (let batch = 0; batch < 6; batch++) {
          const messages = Array.from({ length: 5 }, (_, at) => sample(batch * 5 + at, { key: `key-${at}` }))
          await publish(driver, messages)
          await reader.look()
        }
        await reach(driver, reader, 30)
        for (let key = 0; key < 5; key++) {
          const lanes = reader.seen.map((lane) => lane.filter(({ message }) => message.key === `key-${key}`))
          const used = lanes.filter(({ length }) => length > 0)
          same(
            used.map(idsOf),
            [Array.from({ length: 6 }, (_, batch) => sample(batch * 5 + key).id)],
            'the lanes of a key',
          )
        }
        holds(reader.seen.filter(({ length }) => length > 0).length > 1, 'the keys use several lanes')
      },
    },
    {
      says: 'a reader that begins at the ends is given what comes after, and nothing before',
      async holds(driver) {
        await publish(driver, [sample(1), sample(2), sample(3)])
        const feed = driver.feed()
        const ends = await feed.ends()
        holds(ends.length > 1, 'there are several lanes')
        same((await feed.open()).lanes, ends.length, 'how many lanes it says it has')
        const reader = follower(feed, ends)
        await reader.look()
        await publish(driver, [sample(4)])
        await reach(driver, reader, 1)
        same(idsOf(reader.seen.flat()), [sample(4).id], 'the messages')
      },
    },
    {
      says: 'a message that is committed after the ends were told comes after them, wherever it was begun',
      async holds(driver) {
        const [open, undone] = [await driver.begin(), await driver.begin()]
        await driver.outbox.append(open.tx, [sample(1)])
        await publish(driver, [sample(2)])
        await driver.outbox.append(undone.tx, [sample(3)])
        await undone.rollback()
        const feed = driver.feed()
        const early = await feed.ends().catch((error: unknown) => {
          holds(isEstafetError(error, 'UNAVAILABLE'), 'the ends are told, or not available')
          return null
        })
        await open.commit()
        if (early !== null) {
          const reader = follower(driver.feed(), early)
          await reach(driver, reader, 1)
          same(idsOf(reader.seen.flat()), [sample(1).id], 'what was committed after the ends were told')
        }
        const late = await decidedEnds(driver, feed)
        holds(late[0] === 2n, 'the end is a committed position, not one that was only drawn')
        await publish(driver, [sample(4)])
        const after = follower(driver.feed(), late)
        await reach(driver, after, 1)
        same(idsOf(after.seen.flat()), [sample(4).id], 'what came after the ends')
      },
    },
    {
      says: 'a look tells whether there is more, something undecided, or nothing new',
      async holds(driver) {
        const feed = driver.feed()
        await feed.open()
        same(await feed.advance(), 'idle', 'with an empty log')
        const [first, second] = [await driver.begin(), await driver.begin()]
        await driver.outbox.append(first.tx, [sample(1)])
        await driver.outbox.append(second.tx, [sample(2)])
        await second.commit()
        same(await feed.advance(), 'waiting', 'behind a gap')
        await first.commit()
        same([await feed.advance(), await feed.advance()], ['more', 'idle'], 'once the gap has filled')
      },
    },
  ]
}

function gapClauses<Tx>(): readonly Clause<LogFeedDriver<Tx>>[] {
  return [
    {
      says: 'a message that commits late is not lost, and what comes after it waits for it',
      async holds(driver) {
        const reader = follower(driver.feed())
        const [late, early] = [await driver.begin(), await driver.begin()]
        await driver.outbox.append(late.tx, [sample(1, { key: 'late' })])
        await driver.outbox.append(early.tx, [sample(2, { key: 'early' })])
        await early.commit()
        for (let look = 0; look < 4; look++) await reader.look()
        same(reader.seen.flat().length, 0, 'messages before the late one has committed')
        await late.commit()
        await reach(driver, reader, 2)
        same(idsOf(reader.seen.flat()).toSorted(), [sample(1).id, sample(2).id], 'the messages')
      },
    },
    {
      says: 'a rolled back transaction holds up nothing once it has ended',
      async holds(driver) {
        const reader = follower(driver.feed())
        const undone = await driver.begin()
        await driver.outbox.append(undone.tx, [sample(1), sample(2)])
        await publish(driver, [sample(3)])
        await reader.look()
        await undone.rollback()
        await reach(driver, reader, 1)
        same(idsOf(reader.seen.flat()), [sample(3).id], 'the messages')
      },
    },
    {
      says: 'what was undone by a savepoint is not handed out, and holds up nothing once its transaction has ended',
      async holds(driver) {
        const reader = follower(driver.feed())
        const open = await driver.begin()
        await driver.outbox.append(open.tx, [sample(1, { key: 'same' })])
        await open.undone(async () => void (await driver.outbox.append(open.tx, [sample(2, { key: 'same' })])))
        await driver.outbox.append(open.tx, [sample(3, { key: 'same' })])
        await publish(driver, [sample(4, { key: 'other' })])
        await reader.look()
        await open.commit()
        await reach(driver, reader, 3)
        same(
          idsOf(reader.seen.flat()).toSorted(),
          [1, 3, 4].map((number) => sample(number).id),
          'the messages',
        )
      },
    },
    {
      says: 'an open transaction that has published nothing holds up nobody',
      async holds(driver) {
        const reader = follower(driver.feed())
        const [idle, undone] = [await driver.begin(), await driver.begin()]
        await driver.outbox.append(undone.tx, [sample(1)])
        await publish(driver, [sample(2)])
        await undone.rollback()
        await reach(driver, reader, 1)
        await idle.rollback()
      },
    },
  ]
}

function fetchClauses<Tx>(): readonly Clause<LogFeedDriver<Tx>>[] {
  return [
    {
      says: 'a fetch is cut by its limit, goes on after its cursor, and may be repeated',
      async holds(driver) {
        await publish(
          driver,
          Array.from({ length: 5 }, (_, number) => sample(number, { key: 'same' })),
        )
        const reader = follower(driver.feed())
        await reach(driver, reader, 5)
        const lane = reader.seen.findIndex(({ length }) => length > 0)
        const first = await reader.feed.fetch(lane, 0n, 3)
        same([first.deliveries.length, first.hasMore], [3, true], 'the first fetch')
        same(first.cursor, first.deliveries.at(-1)?.cursor, 'its cursor')
        const rest = await reader.feed.fetch(lane, first.cursor, 3)
        same(idsOf(rest.deliveries), [sample(3).id, sample(4).id], 'the second fetch')
        same(await reader.feed.fetch(lane, 0n, 3), first, 'the first fetch again')
      },
    },
    {
      says: 'a cursor moves forward only, also over what is in other lanes',
      async holds(driver) {
        const reader = follower(driver.feed())
        await publish(
          driver,
          Array.from({ length: 4 }, (_, number) => sample(number, { key: 'same' })),
        )
        await reach(driver, reader, 4)
        const lane = reader.seen.findIndex(({ length }) => length > 0)
        const other = lane === 0 ? 1 : 0
        const passed = await reader.feed.fetch(other, 0n, 10)
        same([passed.deliveries.length, passed.hasMore], [0, false], 'a lane without messages')
        holds(passed.cursor > 0n, 'it passes the messages of other lanes')
        const again = await reader.feed.fetch(other, passed.cursor, 10)
        same(again.cursor, passed.cursor, 'the cursor with nothing new')
      },
    },
    {
      says: 'a new reader goes on from a saved cursor before its first look',
      async holds(driver) {
        await publish(driver, [sample(1, { key: 'same' }), sample(2, { key: 'same' })])
        const old = follower(driver.feed())
        await reach(driver, old, 2)
        const lane = old.seen.findIndex(({ length }) => length > 0)
        const saved = old.seen[lane]?.[0]?.cursor ?? 0n
        await publish(driver, [sample(3, { key: 'same' })])
        const cursors = old.cursors.map((cursor, at) => (at === lane ? saved : cursor))
        const reader = follower(driver.feed(), cursors)
        await reach(driver, reader, 2)
        same(idsOf(reader.seen.flat()), [sample(2).id, sample(3).id], 'the messages')
      },
    },
  ]
}

/** The ends, asked for until they are decided. */
async function decidedEnds<Tx>(driver: LogFeedDriver<Tx>, feed: Feed): Promise<readonly bigint[]> {
  for (let time = 0; time < 20; time++) {
    const ends = await feed.ends().catch(() => null)
    if (ends !== null) return ends
    await driver.moment()
  }
  return feed.ends()
}

interface Follower {
  readonly feed: Feed
  /** By lane, what was handed out. */
  readonly seen: readonly (readonly Delivery[])[]
  readonly cursors: readonly bigint[]
  /** Fetches all lanes, then looks once for more, then fetches again. */
  look(): Promise<void>
}

function follower(feed: Feed, from: readonly bigint[] = []): Follower {
  const seen: Delivery[][] = []
  const cursors: bigint[] = [...from]
  async function fetchAll(): Promise<void> {
    for (let lane = 0; lane < cursors.length; lane++) {
      for (let hasMore = true; hasMore; ) {
        const fetched = await feed.fetch(lane, cursors[lane] ?? 0n, 2)
        holds(fetched.cursor >= (cursors[lane] ?? 0n), 'a cursor went back')
        seen[lane] = [...(seen[lane] ?? []), ...fetched.deliveries]
        hasMore = fetched.hasMore && fetched.cursor > (cursors[lane] ?? 0n)
        cursors[lane] = fetched.cursor
      }
    }
  }
  return {
    ...{ feed, seen, cursors },
    async look() {
      const { lanes } = await feed.open()
      for (let lane = cursors.length; lane < lanes; lane++) cursors.push(0n)
      await fetchAll()
      await feed.advance()
      await fetchAll()
    },
  }
}

async function reach<Tx>(driver: LogFeedDriver<Tx>, reader: Follower, count: number): Promise<void> {
  for (let time = 0; time < 20 && reader.seen.flat().length < count; time++) {
    await reader.look()
    if (time > 3) await driver.moment()
  }
  await reader.look()
  same(reader.seen.flat().length, count, 'how many messages were handed out')
}

async function publish<Tx>(driver: LogFeedDriver<Tx>, messages: readonly EncodedMessage[]): Promise<void> {
  const open = await driver.begin()
  await driver.outbox.append(open.tx, messages)
  await open.commit()
}

function idsOf(deliveries: readonly Delivery[]): readonly string[] {
  return deliveries.map(({ message }) => message.id)
}
