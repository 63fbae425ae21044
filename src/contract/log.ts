import type { EncodedMessage } from '../message/message.ts'
import type { Log, LogRange } from '../ports/log.ts'
import type { Outbox } from '../ports/outbox.ts'
import { type Clause, holds, rejects, same, settlesWithin } from './clause.ts'
import { sample } from './message.ts'

/** A transaction that the clause ends itself. */
export interface OpenTransaction<Tx> {
  readonly tx: Tx
  /** Runs work under a savepoint, and rolls back to it. */
  undone(work: () => Promise<void>): Promise<void>
  commit(): Promise<void>
  rollback(): Promise<void>
}

/** What a driver's test gives to these clauses: an empty log, its writer, and time enough to see that somebody waits. */
export interface LogDriver<Tx> {
  readonly outbox: Outbox<Tx>
  readonly log: Log
  begin(): Promise<OpenTransaction<Tx>>
  /** A client on which no transaction is open. */
  outside(): Promise<Tx>
  moment(): Promise<void>
}

/** The promises of Outbox and Log: what the log protocol rests on. */
export function logClauses<Tx>(): readonly Clause<LogDriver<Tx>>[] {
  return [
    {
      says: 'a message exists once its transaction has committed, and not before',
      async holds(driver) {
        const open = await driver.begin()
        await driver.outbox.append(open.tx, [sample(1)])
        same(await read(driver), [], 'messages before the commit')
        same(await driver.log.positions(0n, 10), [], 'positions before the commit')
        await open.commit()
        same((await read(driver)).length, 1, 'messages after the commit')
        same((await driver.log.positions(0n, 10)).length, 1, 'positions after the commit')
      },
    },
    {
      says: 'a rolled back transaction leaves no message',
      async holds(driver) {
        const open = await driver.begin()
        await driver.outbox.append(open.tx, [sample(1)])
        await open.rollback()
        await publish(driver, [sample(2)])
        same(
          (await read(driver)).map(({ id }) => id),
          [sample(2).id],
          'messages',
        )
      },
    },
    {
      says: 'what was published under a savepoint is undone with it, and what was published beside it stays',
      async holds(driver) {
        const open = await driver.begin()
        const [first = 0n] = await driver.outbox.append(open.tx, [sample(1)])
        await open.undone(async () => void (await driver.outbox.append(open.tx, [sample(2)])))
        const [third = 0n] = await driver.outbox.append(open.tx, [sample(3)])
        await open.commit()
        same(
          (await read(driver)).map(({ id, position }) => [id, position]),
          [
            [sample(1).id, first],
            [sample(3).id, third],
          ],
          'messages',
        )
      },
    },
    {
      says: 'messages of one call keep their order, under ascending positions that the call returns',
      async holds(driver) {
        const positions = await publish(driver, [sample(3), sample(1), sample(2)])
        const stored = await read(driver)
        same(
          stored.map(({ id }) => id),
          [3, 1, 2].map((number) => sample(number).id),
          'the order',
        )
        same(
          stored.map(({ position }) => position),
          positions,
          'the positions',
        )
        holds(
          positions.every((position, at) => at === 0 || position > (positions[at - 1] ?? 0n)),
          'they ascend',
        )
      },
    },
    {
      says: 'a second publisher of a key waits for the first, so that position order is commit order',
      async holds(driver) {
        const [first, second] = [await driver.begin(), await driver.begin()]
        await driver.outbox.append(first.tx, [sample(1, { key: 'same' })])
        const waiting = driver.outbox.append(second.tx, [sample(2, { key: 'same' })])
        waiting.catch(() => {})
        holds(!(await settlesWithin(driver.moment(), waiting)), 'the second publisher waits')
        await first.commit()
        await waiting
        await second.commit()
        same(
          (await read(driver)).map(({ id }) => id),
          [sample(1).id, sample(2).id],
          'the order',
        )
      },
    },
    {
      says: 'publishers of different keys do not wait for each other',
      async holds(driver) {
        const [first, second] = [await driver.begin(), await driver.begin()]
        await driver.outbox.append(first.tx, [sample(1, { key: 'one' })])
        await driver.outbox.append(second.tx, [sample(2, { key: 'two' })])
        await second.commit()
        await first.commit()
        same((await read(driver)).length, 2, 'messages')
      },
    },
    {
      says: 'publishers that name the same keys in opposite orders do not deadlock',
      async holds(driver) {
        const keys = ['one', 'two', 'three'].map((key, at) => sample(at, { key }))
        const publishers = Array.from({ length: 6 }, (_, at) =>
          publish(driver, at % 2 === 0 ? keys : keys.toReversed()),
        )
        await Promise.all(publishers)
        same((await read(driver)).length, 18, 'messages')
      },
    },
    {
      says: 'an open transaction that published is among the writers until it ends',
      async holds(driver) {
        same(await driver.log.writers(), [], 'writers before')
        const [first, second] = [await driver.begin(), await driver.begin()]
        await driver.outbox.append(first.tx, [sample(1)])
        await driver.outbox.append(second.tx, [sample(2)])
        const both = await driver.log.writers()
        same(both.length, 2, 'writers while both are open')
        await first.rollback()
        const left = await driver.log.writers()
        holds(left.length === 1 && both.includes(left[0] ?? ''), 'the other one keeps its token')
        await second.commit()
        same(await driver.log.writers(), [], 'writers after')
      },
    },
    {
      says: 'the highest position drawn counts those that are not committed, the highest committed one does not',
      async holds(driver) {
        same((await driver.log.inspect()).lastCommitted, 0n, 'the highest committed position of an empty log')
        const open = await driver.begin()
        const [position] = await driver.outbox.append(open.tx, [sample(1)])
        const { lastDrawn, lastCommitted } = await driver.log.inspect()
        same([lastDrawn, lastCommitted], [position, 0n], 'the highest positions')
        await open.rollback()
        holds((await driver.log.inspect()).lastDrawn >= (position ?? 0n), 'a rollback gives nothing back')
      },
    },
    {
      says: 'publishing outside a transaction is refused and writes nothing',
      async holds(driver) {
        const outside = await driver.outside()
        await rejects(driver.outbox.append(outside, [sample(1)]), 'NOT_IN_TRANSACTION')
        await rejects(driver.outbox.append(outside, [sample(1)]), 'NOT_IN_TRANSACTION')
        same(await read(driver), [], 'messages')
      },
    },
    {
      says: 'ten thousand keys in one transaction are no error',
      async holds(driver) {
        const many = Array.from({ length: 10_000 }, (_, number) => sample(number))
        await publish(driver, many)
        same((await driver.log.positions(0n, 20_000)).length, 10_000, 'positions')
      },
    },
    {
      says: 'positions are ordered as numbers',
      async holds(driver) {
        for (let batch = 0; batch < 11; batch++) {
          await publish(
            driver,
            Array.from({ length: 10 }, (_, at) => sample(batch * 10 + at)),
          )
        }
        const positions = await driver.log.positions(0n, 200)
        same(positions.length, 110, 'positions')
        holds(
          positions.every((position, at) => at === 0 || position > (positions[at - 1] ?? 0n)),
          'positions ascend',
        )
        const stored = await read(driver)
        same(
          stored.map(({ position }) => position),
          positions,
          'the order of the messages',
        )
      },
    },
    ...contentClauses<Tx>(),
  ]
}

function contentClauses<Tx>(): readonly Clause<LogDriver<Tx>>[] {
  return [
    {
      says: 'every field comes back as it was written, whatever text it holds',
      async holds(driver) {
        const payload = JSON.stringify({
          text: 'aé漢🙂\u0001"\\',
          none: null,
          empty: {},
          list: [],
          big: 'x'.repeat(300_000),
        })
        const full = sample(1, {
          ...{ payload, key: `'; "key" — 漢🙂`, correlationId: 'request-1', causationId: sample(9).id, version: 3 },
          ...{
            traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
            headers: { tenant: 'é', empty: '' },
          },
        })
        const bare = sample(2)
        await publish(driver, [full, bare])
        const stored = await read(driver)
        const { source, epoch } = { source: driver.log.source, epoch: (await driver.log.inspect()).epoch }
        same(stored.map(fields), [full, bare].map(fields), 'the fields')
        same(
          stored.map((message) => [message.source, message.epoch]),
          [
            [source, epoch],
            [source, epoch],
          ],
          'the origin',
        )
        holds(
          stored.every(({ time }) => !Number.isNaN(Date.parse(time)) && time.endsWith('Z')),
          'the time is UTC',
        )
      },
    },
    {
      says: 'a range is exclusive below, inclusive above, and cut by the limit',
      async holds(driver) {
        const positions = await publish(
          driver,
          Array.from({ length: 6 }, (_, number) => sample(number)),
        )
        const [, second = 0n, , , fifth = 0n] = positions
        const within = await driver.log.read(range({ after: second, upTo: fifth }))
        same(
          within.map(({ position }) => position),
          positions.slice(2, 5),
          'the range',
        )
        same(
          (await driver.log.read(range({ limit: 2 }))).map(({ position }) => position),
          positions.slice(0, 2),
          'the limit',
        )
        same(await driver.log.positions(second, 2), positions.slice(2, 4), 'the positions')
      },
    },
    {
      says: 'a read can be limited to topics',
      async holds(driver) {
        await publish(driver, [sample(1, { topic: 'one' }), sample(2, { topic: 'two' }), sample(3, { topic: 'three' })])
        const read = await driver.log.read(range({ topics: ['three', 'one'] }))
        same(
          read.map(({ topic }) => topic),
          ['one', 'three'],
          'the topics',
        )
        same(await driver.log.read(range({ topics: ['other'] })), [], 'a topic without messages')
      },
    },
    {
      says: 'the lanes together hold every message once, and a key is always in the same lane',
      async holds(driver) {
        await publish(
          driver,
          Array.from({ length: 90 }, (_, number) => sample(number, { key: `key-${number % 30}` })),
        )
        const lanes = []
        for (let index = 0; index < 3; index++) lanes.push(await driver.log.read(range({ lane: { index, count: 3 } })))
        same(lanes.flat().length, 90, 'messages of all lanes')
        const laneOf = new Map(lanes.flatMap((messages, lane) => messages.map(({ key }) => [key, lane] as const)))
        holds(
          lanes.every((messages, lane) => messages.every(({ key }) => laneOf.get(key) === lane)),
          'a key has one lane',
        )
        holds(new Set(laneOf.values()).size === 3, 'thirty keys use three lanes')
      },
    },
    {
      says: 'a read may be repeated',
      async holds(driver) {
        await publish(driver, [sample(1), sample(2)])
        same(await read(driver), await read(driver), 'the second read')
      },
    },
  ]
}

async function publish<Tx>(driver: LogDriver<Tx>, messages: readonly EncodedMessage[]): Promise<readonly bigint[]> {
  const open = await driver.begin()
  const positions = await driver.outbox.append(open.tx, messages)
  await open.commit()
  return positions
}

function read<Tx>(driver: LogDriver<Tx>) {
  return driver.log.read(range({}))
}

function range(more: Partial<LogRange>): LogRange {
  return { after: 0n, upTo: 1_000_000n, limit: 20_000, topics: null, lane: { index: 0, count: 1 }, ...more }
}

function fields(message: EncodedMessage): EncodedMessage {
  const { id, type, version, topic, key, correlationId, causationId, traceparent, headers, payload } = message
  return { id, type, version, topic, key, correlationId, causationId, traceparent, headers, payload }
}
