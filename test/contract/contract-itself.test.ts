import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  brokerClauses,
  type Clause,
  eventStoreClauses,
  flowClauses,
  inboxClauses,
  laneClauses,
  logClauses,
  logFeedClauses,
  parkingClauses,
  reservationClauses,
  retryClauses,
  sagaSearchClauses,
  sagasClauses,
  semanticLockClauses,
  stepFenceClauses,
  unitOfWorkClauses,
  vaultClauses,
  wakeUpClauses,
} from 'estafet/contract'
import { brokenBrokers } from './broken-brokers.ts'
import { brokenEventStores } from './broken-event-stores.ts'
import { brokenFlows } from './broken-flows.ts'
import { brokenInboxes } from './broken-inboxes.ts'
import { brokenLanes } from './broken-lanes.ts'
import { brokenLogFeeds } from './broken-log-feeds.ts'
import { brokenLogs } from './broken-logs.ts'
import { brokenParking } from './broken-parking.ts'
import { brokenReservations } from './broken-reservations.ts'
import { brokenRetries } from './broken-retries.ts'
import { brokenSagaSearches } from './broken-saga-searches.ts'
import { brokenSagas } from './broken-sagas.ts'
import { brokenSemanticLocks } from './broken-semantic-locks.ts'
import { brokenStepFences } from './broken-step-fences.ts'
import { brokenUnitsOfWork } from './broken-units-of-work.ts'
import { brokenVaults } from './broken-vaults.ts'
import { brokenWakeUps } from './broken-wake-ups.ts'

checkSuite('unit of work', unitOfWorkClauses(), brokenUnitsOfWork)
checkSuite('log', logClauses(), brokenLogs)
checkSuite('log feed', logFeedClauses(), brokenLogFeeds)
checkSuite('lanes', laneClauses(), brokenLanes)
checkSuite('event store', eventStoreClauses(), brokenEventStores)
checkSuite('inbox', inboxClauses(), brokenInboxes)
checkSuite('parking', parkingClauses(), brokenParking)
checkSuite('retries', retryClauses(), brokenRetries)
checkSuite('broker', brokerClauses(), brokenBrokers)
checkSuite('sagas', sagasClauses(), brokenSagas)
checkSuite('saga search', sagaSearchClauses(), brokenSagaSearches)
checkSuite('step fence', stepFenceClauses(), brokenStepFences)
checkSuite('reservations', reservationClauses(), brokenReservations)
checkSuite('semantic locks', semanticLockClauses(), brokenSemanticLocks)
checkSuite('flows', flowClauses(), brokenFlows)
checkSuite('vault', vaultClauses(), brokenVaults)
checkSuite('wake-up', wakeUpClauses(), brokenWakeUps)

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
      let isCaught = false
      for (const clause of clauses) {
        if (await fails(clause, open())) {
          isCaught = true
          failed.add(clause.says)
        }
      }
      if (!isCaught) uncaught.push(what)
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
