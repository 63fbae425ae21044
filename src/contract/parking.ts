import { type Clause, holds, rejects, same, settlesWithin } from './clause.ts'
import {
  apply,
  atOnce,
  attemptAt,
  by,
  drain,
  failed,
  failure,
  follower,
  group,
  longMs,
  message,
  type ParkingDriver,
  parkAll,
  takeLane,
} from './parking-driver.ts'

/** The promises of Parking: no message of a parked key overtakes another one, and none is left behind. */
export function parkingClauses<Tx>(): readonly Clause<ParkingDriver<Tx>>[] {
  return [...queueClauses<Tx>(), ...holdClauses<Tx>(), ...deadClauses<Tx>(), ...contentClauses<Tx>()]
}

function queueClauses<Tx>(): readonly Clause<ParkingDriver<Tx>>[] {
  return [
    {
      says: 'a message is parked if and only if its transaction commits, and the lane’s progress with it',
      async holds(driver) {
        const { parking, lanes, unitOfWork } = driver
        const lane = await takeLane(driver)
        const parked = (number: number, end: () => Promise<void>) =>
          unitOfWork.run(async (tx) => {
            await parking.park(tx, lane, [failed(number, 'k')])
            await lanes.save(tx, lane, { cursor: BigInt(number), marks: {} })
            await end()
          })
        await rejects(
          parked(1, () => Promise.reject(Object.assign(new Error('on purpose'), { code: 'MINE' }))),
          'MINE',
        )
        same([await parking.keys(lane), await drain(driver)], [[], []], 'what a rollback leaves')
        await parked(2, () => Promise.resolve())
        same(await parking.keys(lane), ['k'], 'the keys')
        same((await takeLane(driver)).cursor, 2n, 'the progress')
        same(await drain(driver), ['2'], 'what was tried')
      },
    },
    {
      says: 'the messages of a key wait in order, one at a time, and another key is not touched',
      async holds(driver) {
        const lane = await takeLane(driver)
        await parkAll(driver, lane, [failed(1, 'k'), follower(2, 'k'), failed(3, 'j'), follower(4, 'k')])
        await parkAll(driver, lane, [follower(5, 'k')])
        const first = await attemptAt(driver, 'k')
        same(await driver.retries.begin({ group, key: 'k' }, by, longMs), null, 'the next of the key')
        same((await attemptAt(driver, 'j')).message.position, 3n, 'the other key’s')
        await apply(driver, first)
        for (const position of [2n, 4n, 5n]) {
          const attempt = await attemptAt(driver, 'k')
          same(attempt.message.position, position, 'the next')
          await apply(driver, attempt)
        }
        same(await driver.notes(), ['1', '2', '4', '5'], 'what was applied')
      },
    },
    {
      says: 'a queue of more than nine keeps its order: numbers are no texts',
      async holds(driver) {
        const numbers = Array.from({ length: 12 }, (_, at) => at + 1)
        const [first = 0, ...others] = numbers
        const entries = [failed(first, 'k'), ...others.map((number) => follower(number, 'k'))]
        await parkAll(driver, await takeLane(driver), entries)
        same(await drain(driver), numbers.map(String), 'what was applied')
      },
    },
    {
      says: 'a key comes free with its last message, and not before',
      async holds(driver) {
        const lane = await takeLane(driver)
        await parkAll(driver, lane, [failed(1, 'k'), follower(2, 'k')])
        await apply(driver, await attemptAt(driver, 'k'))
        same(await driver.parking.keys(lane), ['k'], 'the keys before the last')
        await apply(driver, await attemptAt(driver, 'k'))
        same(await driver.parking.keys(lane), [], 'the keys after the last')
      },
    },
    {
      says: 'a message that nobody tried begins a queue where none is, and waits behind what is there',
      async holds(driver) {
        const { parking, unitOfWork } = driver
        const lane = await takeLane(driver)
        await parkAll(driver, lane, [failed(1, 'k', { kind: 'dead', blocks: true })])
        await unitOfWork.run((tx) => parking.parkUntried(tx, lane, [message(2, 'j'), message(3, 'k'), message(4, 'j')]))
        await unitOfWork.run((tx) => parking.parkUntried(tx, lane, []))
        same([...(await parking.keys(lane))].sort(), ['j', 'k'], 'the keys')
        for (const position of [2n, 4n]) {
          const attempt = await attemptAt(driver, 'j')
          same([attempt.message.position, attempt.tries], [position, 1], 'the attempt')
          await apply(driver, attempt)
        }
        same((await driver.retries.due(group, [0], 9)).load, { keys: 1, messages: 2, dead: 1 }, 'what still waits')
      },
    },
    {
      says: 'a message that is put behind a key which is free by then is tried all the same',
      async holds(driver) {
        await parkAll(driver, await takeLane(driver), [follower(1, 'k')])
        same(await drain(driver), ['1'], 'what was applied')
      },
    },
    {
      says: 'adding behind a key does not disturb the attempt that is under way',
      async holds(driver) {
        const lane = await takeLane(driver)
        await parkAll(driver, lane, [failed(1, 'k')])
        const attempt = await attemptAt(driver, 'k')
        await parkAll(driver, lane, [follower(2, 'k')])
        await driver.unitOfWork.run((tx) => driver.parking.parkUntried(tx, lane, [message(3, 'k')]))
        // Handled before its holder knew that the key is parked: it takes its place, whatever it would wait for.
        await parkAll(driver, lane, [failed(4, 'k', { kind: 'retry', afterMs: longMs, isCounted: true })])
        await apply(driver, attempt)
        same(await drain(driver), ['1', '2', '3', '4'], 'what was applied')
      },
    },
    {
      says: 'the same message is not put into the queue twice',
      async holds(driver) {
        const lane = await takeLane(driver)
        await parkAll(driver, lane, [failed(1, 'k'), follower(2, 'k'), follower(2, 'k')])
        await parkAll(driver, lane, [failed(1, 'k'), follower(2, 'k')])
        await driver.unitOfWork.run((tx) => driver.parking.parkUntried(tx, lane, [message(1, 'k')]))
        const otherLog = message(2, 'k', { source: 'billing' })
        await parkAll(driver, lane, [{ message: otherLog, failure: null }])
        same((await driver.retries.due(group, [0], 9)).load.messages, 3, 'how many are parked')
        same(await drain(driver), ['1', '2', '2'], 'what was applied')
      },
    },
    {
      says: 'a message parked with a wait is due when that has passed, and not before',
      async holds(driver) {
        const lane = await takeLane(driver)
        await parkAll(driver, lane, [failed(1, 'k', { kind: 'retry', afterMs: longMs, isCounted: true })])
        await parkAll(driver, lane, [failed(2, 'j', { kind: 'retry', afterMs: 50, isCounted: true })])
        same(await driver.retries.begin({ group, key: 'k' }, by, longMs), null, 'before its time')
        await driver.lapse(50)
        same((await driver.retries.due(group, [0], 9)).keys, ['j'], 'what is due')
      },
    },
  ]
}

function holdClauses<Tx>(): readonly Clause<ParkingDriver<Tx>>[] {
  return [
    {
      says: 'holding tells which of the keys are parked, and keys tells which of the lane are',
      async holds(driver) {
        const [lane, other] = [await takeLane(driver), await takeLane(driver, 1)]
        await parkAll(driver, lane, [failed(1, 'k'), failed(2, 'j')])
        await parkAll(driver, other, [failed(3, 'i')])
        const held = await driver.unitOfWork.run((tx) => driver.parking.hold(tx, lane, ['x', 'k', 'y', 'k']))
        same(held, ['k'], 'those held')
        same([...(await driver.parking.keys(lane))].sort(), ['j', 'k'], 'those of one lane')
        same(await driver.parking.keys(other), ['i'], 'those of the other lane')
      },
    },
    {
      says: 'a key that is held stays parked until the transaction ends, and what was put behind it is not left behind',
      async holds(driver) {
        const lane = await takeLane(driver)
        await parkAll(driver, lane, [failed(1, 'k')])
        const attempt = await attemptAt(driver, 'k', 20)
        const open = await driver.begin()
        same(await driver.parking.hold(open.tx, lane, ['k']), ['k'], 'those held')
        // The last message is applied now: it may wait, or be refused and tried again.
        const applying = apply(driver, attempt)
        await settlesWithin(driver.moment(), applying)
        same(await driver.parking.keys(lane), ['k'], 'the keys while it is held')
        await driver.parking.park(open.tx, lane, [follower(2, 'k')])
        await open.commit()
        await applying.catch(() => {})
        same(await drain(driver), ['1', '2'], 'what was applied')
        same(await driver.parking.keys(lane), [], 'the keys in the end')
      },
    },
    {
      says: 'who holds a key whose last message is being applied learns whether it is free from how that ended',
      async holds(driver) {
        for (const [end, number] of [['commit', 1] as const, ['rollback', 3] as const]) {
          const lane = await takeLane(driver)
          await parkAll(driver, lane, [failed(number, 'k')])
          const attempt = await attemptAt(driver, 'k', 20)
          const open = await driver.begin()
          await driver.note(open.tx, number.toString())
          await driver.retries.applied(open.tx, attempt)
          const later = handleNext(driver, lane, number + 1)
          await settlesWithin(driver.moment(), later)
          await open[end]()
          await later
          await drain(driver)
        }
        same(await driver.notes(), ['1', '2', '3', '4'], 'what was applied')
      },
    },
    {
      says: 'a key that comes free and gets another message at the same time leaves none behind and keeps their order',
      async holds(driver) {
        const lane = await takeLane(driver)
        for (let number = 1; number < 30; number += 2) {
          await parkAll(driver, lane, [failed(number, 'k')])
          const attempt = await attemptAt(driver, 'k', 20)
          await Promise.allSettled([apply(driver, attempt), handleNext(driver, lane, number + 1)])
          await drain(driver)
        }
        const all = Array.from({ length: 30 }, (_, at) => (at + 1).toString())
        same(await driver.notes(), all, 'what was applied')
        same(await driver.parking.keys(lane), [], 'the keys in the end')
      },
    },
    {
      says: 'a key that is held can be tried meanwhile, and the attempt can fail',
      async holds(driver) {
        const lane = await takeLane(driver)
        await parkAll(driver, lane, [failed(1, 'k')])
        const open = await driver.begin()
        await driver.parking.hold(open.tx, lane, ['k'])
        const attempt = await attemptAt(driver, 'k')
        await driver.retries.failed(attempt, failure(atOnce))
        same((await attemptAt(driver, 'k')).crashes, 0, 'the crashes')
        await open.commit()
      },
    },
  ]

  /** Handles a message as a lane does: behind its key if that is parked, else at once. */
  async function handleNext(
    { parking, unitOfWork, note }: ParkingDriver<Tx>,
    lane: Parameters<typeof parking.hold>[1],
    number: number,
  ): Promise<void> {
    await unitOfWork.run(async (tx) => {
      const held = await parking.hold(tx, lane, ['k'])
      if (held.includes('k')) await parking.park(tx, lane, [follower(number, 'k')])
      else await note(tx, number.toString())
    })
  }
}

function deadClauses<Tx>(): readonly Clause<ParkingDriver<Tx>>[] {
  return [
    {
      says: 'a dead letter that blocks keeps its key and those behind it waiting',
      async holds(driver) {
        const lane = await takeLane(driver)
        await parkAll(driver, lane, [failed(1, 'k', { kind: 'dead', blocks: true }), follower(2, 'k')])
        same(await driver.parking.keys(lane), ['k'], 'the keys')
        const { keys, load } = await driver.retries.due(group, [0], 9)
        same([keys, load], [[], { keys: 1, messages: 2, dead: 1 }], 'what is due, and what is parked')
      },
    },
    {
      says: 'a dead letter that blocks nothing is kept, and its key is not parked',
      async holds(driver) {
        const lane = await takeLane(driver)
        await parkAll(driver, lane, [failed(1, 'k', { kind: 'dead', blocks: false })])
        same(await driver.parking.keys(lane), [], 'the keys')
        same((await driver.retries.due(group, [0], 9)).load, { keys: 0, messages: 0, dead: 1 }, 'what is parked')
      },
    },
  ]
}

function contentClauses<Tx>(): readonly Clause<ParkingDriver<Tx>>[] {
  return [
    {
      says: 'a message comes back as it was, to the last character',
      async holds(driver) {
        const odd = message(9_007_199, 'kéy 😀 "{},\\', {
          position: 9_007_199_254_740_993n,
          causationId: 'a cause',
          traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
          headers: { one: 'é "\\ \n{},', two: '' },
          payload: '{"a": 1.0,  "a":"\\u0000 \\ud800 \\/ é 😀 \u2028", "b":1e400, "c":12345678901234567890}',
        })
        const large = message(2, 'large', { payload: JSON.stringify('é😀x'.repeat(150_000)) })
        const lane = await takeLane(driver)
        await driver.unitOfWork.run((tx) => driver.parking.parkUntried(tx, lane, [odd, large]))
        for (const each of [odd, large]) {
          const attempt = await attemptAt(driver, each.key)
          holds(attempt.message.payload === each.payload, 'the payload is as it was')
          same(sorted(attempt.message), sorted(each), 'the message')
        }
      },
    },
    {
      says: 'a failure may hold any character',
      async holds(driver) {
        const odd = { errorMessage: '\u0000 \ud800 é', errorName: 'Odd\u0000', stack: '\u0000', handler: 'h\u0000' }
        const entry = { message: message(1, 'k'), failure: failure(atOnce, odd) }
        await parkAll(driver, await takeLane(driver), [entry])
        await driver.retries.failed(await attemptAt(driver, 'k'), failure(atOnce, odd))
        same((await attemptAt(driver, 'k')).tries, 2, 'the tries')
      },
    },
    {
      says: 'subscriptions are apart, and so are the feeds of one',
      async holds(driver) {
        const lane = await takeLane(driver)
        await parkAll(driver, lane, [failed(1, 'k')])
        for (const other of [
          { ...group, subscription: 's2' },
          { ...group, feed: 'f2' },
        ]) {
          const otherLane = await takeLane(driver, 0, other)
          same(await driver.parking.keys(otherLane), [], 'the keys of the other')
          const held = await driver.unitOfWork.run((tx) => driver.parking.hold(tx, otherLane, ['k']))
          same(held, [], 'those held of the other')
          await parkAll(driver, otherLane, [failed(1, 'k', { kind: 'dead', blocks: true })])
          same((await driver.retries.due(other, [0], 9)).load, { keys: 1, messages: 1, dead: 1 }, 'what the other has')
        }
        same(await drain(driver), ['1'], 'what was applied')
      },
    },
  ]
}

function sorted(of: object): object {
  return Object.fromEntries(Object.entries(of).sort(([one], [other]) => (one < other ? -1 : 1)))
}
