import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { isEstafetError } from 'estafet'
import {
  type Clause,
  inboxClauses,
  laneClauses,
  parkingClauses,
  retryClauses,
  unitOfWorkClauses,
} from 'estafet/contract'
import type { SqliteTransaction } from 'estafet/sqlite'
import {
  atOnce,
  attemptAt,
  by,
  failed,
  failure,
  group,
  longMs,
  parkAll,
  takeLane,
} from '../../src/contract/parking-driver.ts'
import { type SqliteDriver, sqliteContract } from './sqlite-driver.ts'

const contract = sqliteContract()
after(() => contract.stop())

interface Otherwise extends Clause<SqliteDriver> {
  /** What the clause of the contract ends with here. */
  readonly refusal: 'UNAVAILABLE'
}

/** What no database with one writer can keep, by the words of the contract; and what holds instead. */
const otherwise: Readonly<Record<string, Otherwise>> = {
  'transactions side by side do not wait for each other, and end apart': {
    says: 'transactions side by side take turns, and end apart',
    refusal: 'UNAVAILABLE',
    async holds({ unitOfWork, note, notes, begin, moment }) {
      const first = await begin()
      await note(first.tx, 'outer')
      let isBegun = false
      const second = unitOfWork.run(async (tx) => {
        isBegun = true
        await note(tx, 'inner')
      })
      await moment()
      assert.equal(isBegun, false)
      await first.rollback()
      await second
      assert.deepEqual(await notes(), ['inner'])
    },
  },
  'a key that is held can be tried meanwhile, and the attempt can fail': {
    says: 'a key that is held is tried once the transaction has ended, and the attempt can fail',
    refusal: 'UNAVAILABLE',
    async holds(driver) {
      const lane = await takeLane(driver)
      await parkAll(driver, lane, [failed(1, 'k')])
      const open = await driver.begin()
      assert.deepEqual(await driver.parking.hold(open.tx, lane, ['k']), ['k'])
      const beginning = driver.retries.begin({ group, key: 'k' }, by, longMs)
      await open.commit()
      const attempt = await beginning
      assert.ok(attempt)
      await driver.retries.failed(attempt, failure(atOnce))
      assert.equal((await attemptAt(driver, 'k')).crashes, 0)
    },
  },
}

const parts: readonly (readonly [string, readonly Clause<SqliteDriver>[]])[] = [
  ['unit of work', unitOfWorkClauses<SqliteTransaction>()],
  ['lanes', laneClauses<SqliteTransaction>()],
  ['parking', parkingClauses<SqliteTransaction>()],
  ['retries', retryClauses<SqliteTransaction>()],
  ['inbox', inboxClauses<SqliteTransaction>()],
]
for (const [part, clauses] of parts) {
  for (const clause of clauses) {
    const instead = otherwise[clause.says]
    if (instead === undefined) {
      test(`SQLite ${part}: ${clause.says}`, async () => clause.holds(await contract.driver()))
      continue
    }
    test(`SQLite ${part}: ${instead.says}`, async () => instead.holds(await contract.driver()))
    test(`SQLite ${part}: refuses in time what would need two writers: ${clause.says}`, async () => {
      const driver = await contract.driver({ patienceMs: 60, idleMs: 500 })
      await assert.rejects(clause.holds(driver), (error) => isEstafetError(error, instead.refusal))
    })
  }
}

test('what SQLite keeps otherwise is in the contract', () => {
  const said = parts.flatMap(([, clauses]) => clauses.map(({ says }) => says))
  assert.deepEqual(
    Object.keys(otherwise).filter((says) => !said.includes(says)),
    [],
  )
})
