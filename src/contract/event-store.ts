import type { EncodedEvent, EventStore, ExpectedVersion, StreamAppend, StreamName } from '../ports/event-store.ts'
import type { Log } from '../ports/log.ts'
import type { Outbox } from '../ports/outbox.ts'
import { type Clause, holds, rejects, same, settlesWithin } from './clause.ts'
import { sample } from './message.ts'
import { type StreamIndexDriver, streamIndexPromises } from './stream-index.ts'

/** What a driver's test gives to these clauses: an empty event store, and time enough to see that somebody waits. */
export interface EventStoreDriver<Tx> extends StreamIndexDriver<Tx> {
  /** The log that all events of the store are. */
  readonly log: Log
  /** A client on which no transaction is open. */
  outside(): Promise<Tx>
  moment(): Promise<void>
}

/** The promises of EventStore and of the index of its streams. That its log keeps the log protocol, `logClauses` check with `eventOutbox`. */
export function eventStoreClauses<Tx>(): readonly Clause<EventStoreDriver<Tx>>[] {
  return [
    ...[...appendClauses<Tx>(), ...raceClauses<Tx>(), ...appendIdClauses<Tx>(), ...readClauses<Tx>()],
    ...streamIndexPromises<Tx>(),
  ]
}

/** The event store as if it were an outbox, each message in the stream of its topic and key. */
export function eventOutbox<Tx>(events: EventStore<Tx>): Outbox<Tx> {
  return {
    async append(tx, messages) {
      const appends = messages.map(
        ({ topic: type, key: id, ...event }): StreamAppend => ({
          ...{ stream: { type, id }, expected: 'any', events: [event], appendId: null },
        }),
      )
      return (await events.append(tx, appends)).map(({ position }) => position ?? 0n)
    },
  }
}

const order: StreamName = { type: 'order', id: 'o-1' }
const all = { after: 0, upTo: null, limit: 1_000 }

function event(number: number, more: Partial<EncodedEvent> = {}): EncodedEvent {
  const { topic: _, key: __, ...encoded } = sample(number)
  return { ...encoded, ...more }
}

function append(expected: ExpectedVersion, numbers: readonly number[], more: Partial<StreamAppend> = {}): StreamAppend {
  return { stream: order, expected, events: numbers.map((number) => event(number)), appendId: null, ...more }
}

async function commit<Tx>(driver: EventStoreDriver<Tx>, ...appends: readonly StreamAppend[]) {
  const open = await driver.begin()
  try {
    const appended = await driver.events.append(open.tx, appends)
    await open.commit()
    return appended
  } catch (error) {
    await open.rollback()
    throw error
  }
}

/** A promise that is looked at later; until then nobody hears that it failed. */
function started<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => {})
  return promise
}

async function ids<Tx>({ events }: EventStoreDriver<Tx>, stream = order): Promise<readonly string[]> {
  return (await events.read(stream, all)).map(({ id }) => id)
}

const idsOf = (...numbers: readonly number[]): readonly string[] => numbers.map((number) => sample(number).id)

function appendClauses<Tx>(): readonly Clause<EventStoreDriver<Tx>>[] {
  return [
    {
      says: 'events are numbered from 1 in their stream, and read as they were written',
      async holds(driver) {
        const odd = '{"a": 1.0,  "b":"\\u00e9 😀", "c":12345678901234567890}'
        const [first] = await commit(driver, append('new', [], { events: [event(1, { payload: odd }), event(2)] }))
        same([first?.version, first?.isRepeat], [2, false], 'what the append says')
        await commit(driver, append(2, [3]))
        const events = await driver.events.read(order, all)
        same(
          events.map(({ streamVersion, id, topic, key }) => [streamVersion, id, topic, key]),
          idsOf(1, 2, 3).map((id, at) => [at + 1, id, 'order', 'o-1']),
          'the events',
        )
        holds(events[0]?.payload === odd, 'the payload is as it was')
        same(events[1]?.position, first?.position, 'the position of the last')
      },
    },
    {
      says: 'an append finds the stream as expected, in each of the four modes, or is refused and writes nothing',
      async holds(driver) {
        const there: StreamName = { type: 'order', id: 'there' }
        await commit(driver, append('new', [1, 2], { stream: there }))
        const tries: readonly (readonly [StreamName, ExpectedVersion, number | null])[] = [
          ...([
            [there, 'new', 2],
            [there, 0, 2],
            [there, 1, 2],
            [there, 3, 2],
            [order, 'existing', 0],
            [order, 1, 0],
          ] as const),
        ]
        for (const [stream, expected, actual] of tries) {
          const outcome = await commit(driver, append(expected, [8], { stream })).then(
            () => null,
            (error: { code?: string; details?: { actual?: number } }) => [error.code, error.details?.actual],
          )
          same(outcome, ['WRONG_VERSION', actual], `an append that expects ${expected} at ${actual}`)
        }
        same([await ids(driver), await ids(driver, there)], [[], idsOf(1, 2)], 'what is there')
        await commit(driver, append('existing', [3], { stream: there }))
        await commit(driver, append(3, [4], { stream: there }))
        await commit(driver, append('any', [5], { stream: there }))
        await commit(driver, append(0, [6]))
        same([await ids(driver), await ids(driver, there)], [idsOf(6), idsOf(1, 2, 3, 4, 5)], 'what is there then')
      },
    },
    {
      says: 'events exist once their transaction has committed, and not before or without',
      async holds(driver) {
        const open = await driver.begin()
        await driver.events.append(open.tx, [append('new', [1])])
        same(await ids(driver), [], 'before the commit')
        same((await driver.events.readIn(open.tx, order, all)).length, 1, 'what the transaction sees')
        await open.rollback()
        same(await ids(driver), [], 'after the rollback')
        await commit(driver, append('new', [2]))
        same(await ids(driver), idsOf(2), 'after the commit')
      },
    },
    {
      says: 'several streams are appended to at once, or none of them',
      async holds(driver) {
        const other: StreamName = { type: 'order', id: 'o-2' }
        const kind: StreamName = { type: 'invoice', id: 'o-1' }
        const both = [
          append('new', [1, 2]),
          append('new', [3], { stream: other }),
          append('new', [4], { stream: kind }),
        ]
        same(
          (await commit(driver, ...both)).map(({ version }) => version),
          [2, 1, 1],
          'the versions',
        )
        const wrong = commit(driver, append(2, [5]), append('new', [6], { stream: other }))
        await rejects(wrong, 'WRONG_VERSION')
        same([await ids(driver), await ids(driver, other)], [idsOf(1, 2), idsOf(3)], 'what is there')
        same(await ids(driver, kind), idsOf(4), 'the stream of another type')
        const twice = await commit(driver, append(2, [7]), append(3, [8]))
        same([twice.map(({ version }) => version), await ids(driver)], [[3, 4], idsOf(1, 2, 7, 8)], 'one stream twice')
      },
    },
    {
      says: 'an append without events changes nothing and still finds the stream as expected',
      async holds(driver) {
        await commit(driver, append('new', [1]))
        same(await commit(driver, append(1, [])), [{ version: 1, position: null, isRepeat: false }], 'what it says')
        await rejects(commit(driver, append('new', [])), 'WRONG_VERSION')
        same(await ids(driver), idsOf(1), 'what is there')
      },
    },
    {
      says: 'appending outside a transaction is refused and writes nothing',
      async holds(driver) {
        await rejects(driver.events.append(await driver.outside(), [append('any', [1])]), 'NOT_IN_TRANSACTION')
        same(await ids(driver), [], 'what is there')
      },
    },
  ]
}

function raceClauses<Tx>(): readonly Clause<EventStoreDriver<Tx>>[] {
  return [
    {
      says: 'who appends to a stream waits for the one who was first, and then sees what that one did',
      async holds(driver) {
        await commit(driver, append('new', [1]))
        const first = await driver.begin()
        await driver.events.append(first.tx, [append(1, [2])])
        const second = started(commit(driver, append(1, [3])))
        const third = started(commit(driver, append('any', [4])))
        const outcome = Promise.allSettled([second, third])
        same(
          await settlesWithin(
            driver.moment(),
            Promise.race([second, third]).catch(() => {}),
          ),
          false,
          'done first',
        )
        await first.commit()
        await rejects(second, 'WRONG_VERSION')
        await outcome
        same(await ids(driver), idsOf(1, 2, 4), 'what is there')
      },
    },
    {
      says: 'what a transaction appended that is rolled back was never there for the next',
      async holds(driver) {
        const first = await driver.begin()
        await driver.events.append(first.tx, [append('new', [1])])
        const second = started(commit(driver, append('new', [2])))
        await driver.moment()
        await first.rollback()
        same([(await second)[0]?.version, await ids(driver)], [1, idsOf(2)], 'the second')
      },
    },
    {
      says: 'of many that expect the same version one wins, and versions have no gap, in every mode',
      async holds(driver) {
        for (const expected of ['new', 1, 'existing', 'any'] as const) {
          const before = (await ids(driver)).length
          const racing = Array.from({ length: 8 }, () => commit(driver, append(expected, [1, 2])))
          const won = (await Promise.allSettled(racing)).filter(({ status }) => status === 'fulfilled').length
          // The stream has two events once the first race is over, and no version 1 to expect.
          same(won, expected === 'new' ? 1 : expected === 1 ? 0 : 8, `how many won that expected ${expected}`)
          const versions = (await driver.events.read(order, all)).map(({ streamVersion }) => streamVersion)
          same(
            versions,
            Array.from({ length: before + won * 2 }, (_, at) => at + 1),
            'the versions',
          )
        }
        const racing = Array.from({ length: 8 }, () => commit(driver, append(34, [1])))
        const won = (await Promise.allSettled(racing)).filter(({ status }) => status === 'fulfilled').length
        same([won, (await ids(driver)).length], [1, 35], 'how many won that expected the last version')
      },
    },
  ]
}

function appendIdClauses<Tx>(): readonly Clause<EventStoreDriver<Tx>>[] {
  const named = (numbers: readonly number[], expected: ExpectedVersion, more: Partial<StreamAppend> = {}) =>
    append(expected, numbers, { appendId: 'request-1', ...more })
  return [
    {
      says: 'an append that is tried again returns what the first try did, whatever came after it, in every mode',
      async holds(driver) {
        for (const expected of ['new', 0, 'any', 'existing'] as const) {
          const stream: StreamName = { type: 'order', id: `o-${expected}` }
          if (expected === 'existing') await commit(driver, append('new', [7], { stream }))
          const [first] = await commit(driver, named([1, 2], expected, { stream }))
          await commit(driver, append('any', [3], { stream }))
          // Tried again, events get ids anew.
          const events = [event(1, { id: sample(8).id }), event(2, { id: sample(9).id })]
          const [again] = await commit(driver, named([], expected, { stream, events }))
          same(again, { ...first, isRepeat: true }, `what the second try says with ${expected}`)
          same((await ids(driver, stream)).length, expected === 'existing' ? 4 : 3, 'how many events there are')
        }
      },
    },
    {
      says: 'a repeat that is refused is a conflict, and nothing of its transaction is written',
      async holds(driver) {
        await commit(driver, named([1], 'new'))
        const open = await driver.begin()
        const repeat = (refusesRepeats: boolean) =>
          driver.events.append(open.tx, [named([1], 'new')], { refusesRepeats })
        same((await repeat(false))[0]?.isRepeat, true, 'a repeat that is not refused')
        await driver.events.append(open.tx, [append('new', [2], { stream: { ...order, id: 'o-2' } })])
        await rejects(repeat(true), 'CONFLICT')
        await open.rollback()
        same([await ids(driver), await ids(driver, { ...order, id: 'o-2' })], [idsOf(1), []], 'what is there')
      },
    },
    {
      says: 'what was appended under an append id can be looked up, by who is in a transaction',
      async holds(driver) {
        const [first] = await commit(driver, named([1, 2], 'new'))
        const open = await driver.begin()
        const known = await driver.events.appended(open.tx, order, 'request-1')
        const others = [
          await driver.events.appended(open.tx, order, 'request-2'),
          await driver.events.appended(open.tx, { ...order, id: 'o-2' }, 'request-1'),
        ]
        await open.rollback()
        same(known, { ...first, isRepeat: true }, 'what is known')
        same(others, [null, null], 'what is known of others')
      },
    },
    {
      says: 'other events under the same append id are refused; another stream has append ids of its own',
      async holds(driver) {
        await commit(driver, named([1], 'new'))
        await rejects(commit(driver, named([1, 2], 'any')), 'APPEND_ID_REUSED')
        await rejects(commit(driver, named([], 'any', { events: [event(1, { type: 'another' })] })), 'APPEND_ID_REUSED')
        const [other] = await commit(driver, named([3], 'new', { stream: { type: 'order', id: 'o-2' } }))
        same([other?.isRepeat, await ids(driver)], [false, idsOf(1)], 'the other stream, and the first')
      },
    },
    {
      says: 'an append whose transaction was rolled back can be made again; one that waits for it is a repeat',
      async holds(driver) {
        const undone = await driver.begin()
        await driver.events.append(undone.tx, [named([1], 'new')])
        await undone.rollback()
        const open = await driver.begin()
        const [first] = await driver.events.append(open.tx, [named([1], 'new')])
        const second = started(commit(driver, named([1], 'new')))
        await driver.moment()
        await open.commit()
        same([first?.isRepeat, (await second)[0]?.isRepeat, await ids(driver)], [false, true, idsOf(1)], 'the tries')
      },
    },
  ]
}

function readClauses<Tx>(): readonly Clause<EventStoreDriver<Tx>>[] {
  return [
    {
      says: 'a range of a stream is read by version, and a stream that is not there is empty',
      async holds(driver) {
        await commit(driver, append('new', [1, 2, 3, 4, 5]))
        const versions = async (after: number, upTo: number | null, limit: number) =>
          (await driver.events.read(order, { after, upTo, limit })).map(({ streamVersion }) => streamVersion)
        same(await versions(1, 4, 9), [2, 3, 4], 'a range')
        same(await versions(0, null, 2), [1, 2], 'the first two')
        same(await versions(3, null, 9), [4, 5], 'the rest')
        same([await versions(5, null, 9), await versions(9, 20, 9)], [[], []], 'beyond the end')
        same(await driver.events.read({ type: 'order', id: 'o' }, all), [], 'another stream')
      },
    },
    {
      says: 'all events together are a log, the type of the stream as topic and its id as key',
      async holds(driver) {
        await commit(driver, append('new', [1]), append('new', [2], { stream: { type: 'invoice', id: 'i-1' } }))
        const upTo = (await driver.log.positions(0n, 10)).at(-1) ?? 0n
        const range = { after: 0n, upTo, limit: 10, lane: { index: 0, count: 1 } }
        const messages = await driver.log.read({ ...range, topics: null })
        same(
          messages.map(({ topic, key, id }) => [topic, key, id]),
          [
            ['order', 'o-1', sample(1).id],
            ['invoice', 'i-1', sample(2).id],
          ],
          'the log',
        )
        same((await driver.log.read({ ...range, topics: ['invoice'] })).length, 1, 'of one type')
      },
    },
  ]
}
