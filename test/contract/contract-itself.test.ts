import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brokerClauses, type Clause, laneClauses, logClauses } from 'estafet/contract'
import { brokenBrokers } from './broken-brokers.ts'
import { brokenLanes } from './broken-lanes.ts'
import { brokenLogs } from './broken-logs.ts'

checkSuite('log', logClauses(), brokenLogs)
checkSuite('lanes', laneClauses(), brokenLanes)
checkSuite('broker', brokerClauses(), brokenBrokers)

/** A suite binds when every broken driver is caught, and every clause can fail. */
function checkSuite<Driver>(
  name: string,
  clauses: readonly Clause<Driver>[],
  broken: Readonly<Record<string, () => Driver>>,
): void {
  test(`${name}: every broken driver is caught, and every clause fails on one`, async () => {
    const failed = new Set<string>()
    const uncaught: string[] = []
    for (const [what, open] of Object.entries(broken)) {
      const before = failed.size
      let isCaught = false
      for (const clause of clauses) {
        if (await fails(clause, open())) {
          isCaught = true
          failed.add(clause.says)
        }
      }
      if (!isCaught) uncaught.push(what)
      assert.ok(failed.size >= before)
    }
    const blunt = clauses.map(({ says }) => says).filter((says) => !failed.has(says))
    assert.deepEqual({ uncaught, blunt }, { uncaught: [], blunt: [] })
  })
}

/** A clause that hangs fails: a deadlock is one way to break a promise. */
function fails<Driver>(clause: Clause<Driver>, driver: Driver): Promise<boolean> {
  return new Promise((resolve) => {
    const hung = setTimeout(() => resolve(true), 1_500)
    clause.holds(driver).then(
      () => {
        clearTimeout(hung)
        resolve(false)
      },
      () => {
        clearTimeout(hung)
        resolve(true)
      },
    )
  })
}
