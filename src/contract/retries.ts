import { type Clause, holds, rejects, same } from './clause.ts'
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
  type ParkingDriver,
  parkAll,
  takeLane,
} from './parking-driver.ts'

/** The promises of Retries: one attempt at a time, each counted, each message applied once. */
export function retryClauses<Tx>(): readonly Clause<ParkingDriver<Tx>>[] {
  return [...beginClauses<Tx>(), ...appliedClauses<Tx>(), ...failedClauses<Tx>(), ...dueClauses<Tx>()]
}

function beginClauses<Tx>(): readonly Clause<ParkingDriver<Tx>>[] {
  return [
    {
      says: 'an attempt is counted before it starts: one that never ended is a crash',
      async holds(driver) {
        await parkAll(driver, await takeLane(driver), [failed(1, 'k')])
        const seen: unknown[] = []
        for (let times = 0; times < 3; times++) {
          const { tries, crashes, isRedriven } = await attemptAt(driver, 'k', 20)
          seen.push([tries, crashes, isRedriven])
          await driver.lapse(20)
        }
        const failing = await attemptAt(driver, 'k', 20)
        await driver.retries.failed(failing, failure(atOnce))
        const { tries, crashes } = await attemptAt(driver, 'k', 20)
        same(
          [...seen, [tries, crashes]],
          [
            [1, 0, false],
            [2, 1, false],
            [3, 2, false],
            [5, 0],
          ],
          'the tries, and the crashes in a row',
        )
      },
    },
    {
      says: 'the counts begin anew with each message',
      async holds(driver) {
        await parkAll(driver, await takeLane(driver), [failed(1, 'k'), follower(2, 'k')])
        const first = await attemptAt(driver, 'k', 20)
        await driver.lapse(20)
        const second = await attemptAt(driver, 'k', 20)
        same(second.number, first.number, 'the number of the same message')
        await apply(driver, second)
        const next = await attemptAt(driver, 'k', 20)
        holds(next.number !== first.number, 'another message has another number')
        same([next.message.position, next.tries, next.crashes], [2n, 1, 0], 'the next')
      },
    },
    {
      says: 'a key with an attempt is not due for others until that has lapsed, and then under a greater fence',
      async holds(driver) {
        await parkAll(driver, await takeLane(driver), [failed(1, 'k'), failed(2, 'j')])
        await attemptAt(driver, 'k', longMs)
        const first = await attemptAt(driver, 'j', 20)
        same(await driver.retries.begin({ group, key: 'k' }, by, longMs), null, 'another attempt')
        await driver.lapse(20)
        same((await driver.retries.due(group, [0], 9)).keys, ['j'], 'what is due')
        holds((await attemptAt(driver, 'j')).fence > first.fence, 'the fence grows')
      },
    },
    {
      says: 'no attempt begins with a key that is free, dead or waits for its time',
      async holds(driver) {
        const waiting = failed(1, 'waiting', { kind: 'retry', afterMs: longMs, isCounted: true })
        const dead = failed(2, 'dead', { kind: 'dead', blocks: true })
        await parkAll(driver, await takeLane(driver), [waiting, dead])
        for (const key of ['free', 'dead', 'waiting']) {
          same(await driver.retries.begin({ group, key }, by, longMs), null, `an attempt with a key that is ${key}`)
        }
      },
    },
    {
      says: 'of several that begin at the same time, one gets the attempt',
      async holds(driver) {
        await parkAll(driver, await takeLane(driver), [failed(1, 'k')])
        const begun = await Promise.all([1, 2, 3, 4].map(() => driver.retries.begin({ group, key: 'k' }, by, longMs)))
        same(begun.filter((attempt) => attempt !== null).length, 1, 'how many got it')
        same(begun.find((attempt) => attempt !== null)?.tries, 1, 'the tries')
      },
    },
    {
      says: 'while a message is being applied nobody else begins with its key, nor waits for it',
      async holds(driver) {
        await parkAll(driver, await takeLane(driver), [failed(1, 'k'), follower(2, 'k')])
        const attempt = await attemptAt(driver, 'k', 20)
        const open = await driver.begin()
        await driver.retries.applied(open.tx, attempt)
        await driver.lapse(20)
        same(await driver.retries.begin({ group, key: 'k' }, by, longMs), null, 'while the transaction is open')
        await open.commit()
        same((await attemptAt(driver, 'k')).message.position, 2n, 'once it has ended')
      },
    },
    {
      says: 'a key that came free and is parked again has a greater fence than ever',
      async holds(driver) {
        const lane = await takeLane(driver)
        await parkAll(driver, lane, [failed(1, 'k')])
        await attemptAt(driver, 'k', 0)
        await driver.lapse(1)
        const last = await attemptAt(driver, 'k')
        await apply(driver, last)
        await parkAll(driver, lane, [failed(2, 'k')])
        holds((await attemptAt(driver, 'k')).fence > last.fence, 'the fence grows')
      },
    },
  ]
}

function appliedClauses<Tx>(): readonly Clause<ParkingDriver<Tx>>[] {
  return [
    {
      says: 'a message leaves its queue with the effects of its transaction, and not without them',
      async holds(driver) {
        const { retries, unitOfWork, note } = driver
        await parkAll(driver, await takeLane(driver), [failed(1, 'k')])
        const attempt = await attemptAt(driver, 'k', 20)
        const failing = unitOfWork.run(async (tx) => {
          await note(tx, 'undone')
          await retries.applied(tx, attempt)
          throw Object.assign(new Error('on purpose'), { code: 'MINE' })
        })
        await rejects(failing, 'MINE')
        same((await retries.due(group, [0], 9)).load.messages, 1, 'what a rollback leaves')
        await apply(driver, attempt)
        const { load } = await retries.due(group, [0], 9)
        same([load, await driver.notes()], [{ keys: 0, messages: 0, dead: 0 }, ['1']], 'what a commit leaves')
      },
    },
    {
      says: 'an attempt after which another has begun is refused, and its effects with it',
      async holds(driver) {
        await parkAll(driver, await takeLane(driver), [failed(1, 'k')])
        const late = await attemptAt(driver, 'k', 20)
        await driver.lapse(20)
        const next = await attemptAt(driver, 'k')
        await rejects(apply(driver, late), 'FENCED')
        same(await driver.notes(), [], 'the effects')
        await apply(driver, next)
        same(await driver.notes(), ['1'], 'the effects of the next')
      },
    },
    {
      says: 'a message is applied once',
      async holds(driver) {
        await parkAll(driver, await takeLane(driver), [failed(1, 'k'), follower(2, 'k')])
        const attempt = await attemptAt(driver, 'k')
        await apply(driver, attempt)
        await rejects(apply(driver, attempt), 'FENCED')
        same(await driver.notes(), ['1'], 'the effects')
      },
    },
    {
      says: 'a transaction in which an attempt was refused cannot commit, even if nobody looked',
      async holds(driver) {
        const { retries, unitOfWork, note } = driver
        await parkAll(driver, await takeLane(driver), [failed(1, 'k')])
        const late = await attemptAt(driver, 'k', 20)
        await driver.lapse(20)
        await attemptAt(driver, 'k')
        const careless = unitOfWork.run(async (tx) => {
          await note(tx, 'undone')
          await retries.applied(tx, late).catch(() => {})
        })
        await rejects(careless, 'CONFLICT')
        same(await driver.notes(), [], 'the effects')
      },
    },
  ]
}

function failedClauses<Tx>(): readonly Clause<ParkingDriver<Tx>>[] {
  return [
    {
      says: 'what failed is due again when its wait has passed, and not before',
      async holds(driver) {
        await parkAll(driver, await takeLane(driver), [failed(1, 'k'), failed(2, 'j')])
        await driver.retries.failed(
          await attemptAt(driver, 'k'),
          failure({ kind: 'retry', afterMs: longMs, isCounted: true }),
        )
        await driver.retries.failed(
          await attemptAt(driver, 'j'),
          failure({ kind: 'retry', afterMs: 50, isCounted: true }),
        )
        same(await driver.retries.begin({ group, key: 'k' }, by, longMs), null, 'before its time')
        await driver.lapse(50)
        same((await driver.retries.due(group, [0], 9)).keys, ['j'], 'what is due')
        const { tries, crashes } = await attemptAt(driver, 'j')
        same([tries, crashes], [2, 0], 'the tries and the crashes')
      },
    },
    {
      says: 'the failure of an attempt after which another has begun does nothing',
      async holds(driver) {
        await parkAll(driver, await takeLane(driver), [failed(1, 'k')])
        const late = await attemptAt(driver, 'k', 20)
        await driver.lapse(20)
        const next = await attemptAt(driver, 'k')
        await driver.retries.failed(late, failure({ kind: 'dead', blocks: true }))
        same((await driver.retries.due(group, [0], 9)).load.dead, 0, 'how many are dead')
        await apply(driver, next)
        same(await driver.notes(), ['1'], 'the effects of the next')
      },
    },
    {
      says: 'an attempt that says nothing about its message is not taken off its budget',
      async holds(driver) {
        await parkAll(driver, await takeLane(driver), [failed(1, 'k')])
        const outage = failure({ kind: 'retry', afterMs: 0, isCounted: false })
        for (let times = 0; times < 3; times++) await driver.retries.failed(await attemptAt(driver, 'k'), outage)
        const { tries, crashes } = await attemptAt(driver, 'k')
        same([tries, crashes], [1, 0], 'the tries and the crashes')
      },
    },
    {
      says: 'saving a failure again does nothing',
      async holds(driver) {
        await parkAll(driver, await takeLane(driver), [failed(1, 'k')])
        const attempt = await attemptAt(driver, 'k')
        await driver.retries.failed(attempt, failure(atOnce))
        await driver.retries.failed(attempt, failure({ kind: 'dead', blocks: true }))
        same((await attemptAt(driver, 'k')).tries, 2, 'the tries')
      },
    },
    {
      says: 'a burial is saved with its transaction, and not without it; too late it writes nothing and says so',
      async holds(driver) {
        const dead = failure({ kind: 'dead', blocks: true })
        await parkAll(driver, await takeLane(driver), [failed(1, 'k')])
        const late = await attemptAt(driver, 'k', 20)
        await driver.lapse(20)
        const attempt = await attemptAt(driver, 'k', 20)
        const bury = (which: typeof attempt, end: () => Promise<void>) =>
          driver.unitOfWork.run(async (tx) => {
            const isSaved = await driver.retries.buried(tx, which, dead)
            await end()
            return isSaved
          })
        const dieds = async () => (await driver.retries.due(group, [0], 9)).load.dead
        const undone = bury(attempt, () => Promise.reject(new Error('undone')))
        await rejects(undone, 'Error: undone')
        same((await driver.retries.due(group, [0], 9)).load.dead, 0, 'what a rollback left')
        same([await bury(late, () => Promise.resolve()), await dieds()], [false, 0], 'what was saved too late')
        same([await bury(attempt, () => Promise.resolve()), await dieds()], [true, 1], 'what was saved in time')
        same([await bury(attempt, () => Promise.resolve()), await dieds()], [false, 1], 'what was saved again')
      },
    },
    {
      says: 'a message that dies and blocks keeps those behind it waiting, and nothing is due',
      async holds(driver) {
        await parkAll(driver, await takeLane(driver), [failed(1, 'k'), follower(2, 'k')])
        await driver.retries.failed(await attemptAt(driver, 'k'), failure({ kind: 'dead', blocks: true }))
        await driver.lapse(1)
        const { keys, nextMs, load } = await driver.retries.due(group, [0], 9)
        same([keys, nextMs, load], [[], null, { keys: 1, messages: 2, dead: 1 }], 'what is due, and what is parked')
        same(await driver.retries.begin({ group, key: 'k' }, by, longMs), null, 'another attempt')
      },
    },
    {
      says: 'a message that dies and blocks nothing lets its key go on, and go free with the last',
      async holds(driver) {
        const lane = await takeLane(driver)
        await parkAll(driver, lane, [failed(1, 'k'), follower(2, 'k')])
        const giveUp = async () =>
          driver.retries.failed(await attemptAt(driver, 'k'), failure({ kind: 'dead', blocks: false }))
        await giveUp()
        same((await driver.retries.due(group, [0], 9)).load, { keys: 1, messages: 1, dead: 1 }, 'what is parked')
        const next = await attemptAt(driver, 'k', 20)
        same([next.message.position, next.tries], [2n, 1], 'the next')
        await driver.retries.failed(next, failure(atOnce))
        await giveUp()
        same(await driver.parking.keys(lane), [], 'the keys')
        same((await driver.retries.due(group, [0], 9)).load, { keys: 0, messages: 0, dead: 2 }, 'the dead letters')
      },
    },
  ]
}

function dueClauses<Tx>(): readonly Clause<ParkingDriver<Tx>>[] {
  return [
    {
      says: 'what is due comes longest due first, as many as asked for',
      async holds(driver) {
        const lane = await takeLane(driver)
        const keys = ['b', 'd', 'a', 'c']
        for (const [at, key] of keys.entries()) {
          await parkAll(driver, lane, [failed(at + 1, key)])
          await driver.lapse(1)
        }
        same((await driver.retries.due(group, [0], 9)).keys, keys, 'what is due')
        await driver.retries.failed(await attemptAt(driver, 'b'), failure(atOnce))
        same((await driver.retries.due(group, [0], 9)).keys, ['d', 'a', 'c', 'b'], 'what is due then')
        same((await driver.retries.due(group, [0], 2)).keys, ['d', 'a'], 'the first two')
      },
    },
    {
      says: 'only the lanes asked for are due; the counts are of the whole subscription in its feed',
      async holds(driver) {
        const [lane, other] = [await takeLane(driver), await takeLane(driver, 1)]
        const waiting = failed(1, 'a', { kind: 'retry', afterMs: longMs, isCounted: true })
        await parkAll(driver, lane, [waiting, failed(2, 'd', { kind: 'dead', blocks: false })])
        await parkAll(driver, other, [failed(3, 'b'), follower(4, 'b'), failed(5, 'e', { kind: 'dead', blocks: true })])
        // The dead letter that blocks nothing is in no queue.
        const load = { keys: 3, messages: 4, dead: 2 }
        const first = await driver.retries.due(group, [0], 9)
        same([first.keys, first.load], [[], load], 'of one lane')
        holds((first.nextMs ?? 0) > 0 && (first.nextMs ?? longMs + 1) <= longMs, 'the next is due in its time')
        const second = await driver.retries.due(group, [1], 9)
        same([second.keys, second.load, second.nextMs], [['b'], load, 0], 'of the other')
        same((await driver.retries.due(group, [0, 1], 9)).keys, ['b'], 'of both')
        const none = await driver.retries.due(group, [], 9)
        same([none.keys, none.nextMs, none.load], [[], null, load], 'of no lane')
      },
    },
    {
      says: 'a subscription that a person paused says so',
      async holds(driver) {
        await driver.pause('another')
        same((await driver.retries.due(group, [0], 9)).isPaused, false, 'before')
        await driver.pause(group.subscription)
        same((await driver.retries.due(group, [0], 9)).isPaused, true, 'after')
      },
    },
    {
      says: 'attempts of one subscription or feed are not those of another',
      async holds(driver) {
        await parkAll(driver, await takeLane(driver), [failed(1, 'k')])
        for (const other of [
          { ...group, subscription: 's2' },
          { ...group, feed: 'f2' },
        ]) {
          same((await driver.retries.due(other, [0, 1], 9)).load.keys, 0, 'what the other has')
          same(await driver.retries.begin({ group: other, key: 'k' }, by, longMs), null, 'an attempt of the other')
        }
        same(await drain(driver), ['1'], 'what was applied')
      },
    },
  ]
}
