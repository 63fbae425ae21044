import { after, before, describe, test } from 'node:test'
import {
  brokerClauses,
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
import { allPostgres } from '../../engines/postgres/binaries.ts'
import { type PostgresContract, postgresContract } from './postgres-driver.ts'

for (const binaries of allPostgres()) {
  for (const isPipelining of [true, false]) {
    describe(`${binaries.name}, ${isPipelining ? 'pipelining' : 'one statement at a time'}`, () => {
      let contract: PostgresContract
      before(async () => {
        contract = await postgresContract(binaries, isPipelining)
      })
      after(() => contract.stop())
      for (const clause of unitOfWorkClauses())
        test(`unit of work: ${clause.says}`, async () => clause.holds(await contract.unitOfWorkDriver()))
      for (const clause of logClauses())
        test(`log: ${clause.says}`, async () => clause.holds(await contract.logDriver()))
      for (const clause of logFeedClauses())
        test(`log feed: ${clause.says}`, async () => clause.holds(await contract.logFeedDriver()))
      for (const clause of laneClauses())
        test(`lanes: ${clause.says}`, async () => clause.holds(await contract.laneDriver()))
      for (const clause of parkingClauses())
        test(`parking: ${clause.says}`, async () => clause.holds(await contract.parkingDriver()))
      for (const clause of retryClauses())
        test(`retries: ${clause.says}`, async () => clause.holds(await contract.parkingDriver()))
      for (const clause of eventStoreClauses())
        test(`event store: ${clause.says}`, async () => clause.holds(await contract.eventStoreDriver()))
      for (const clause of logClauses())
        test(`events: log: ${clause.says}`, async () => clause.holds(await contract.eventStoreDriver()))
      for (const clause of inboxClauses())
        test(`inbox: ${clause.says}`, async () => clause.holds(await contract.parkingDriver()))
      for (const clause of stepFenceClauses())
        test(`step fence: ${clause.says}`, async () => clause.holds(await contract.stepFenceDriver()))
      for (const clause of sagasClauses())
        test(`sagas: ${clause.says}`, async () => clause.holds(await contract.sagasDriver()))
      for (const clause of sagaSearchClauses())
        test(`saga search: ${clause.says}`, async () => clause.holds(await contract.sagasDriver()))
      for (const clause of reservationClauses())
        test(`reservations: ${clause.says}`, async () => clause.holds(await contract.holdsDriver()))
      for (const clause of semanticLockClauses())
        test(`semantic locks: ${clause.says}`, async () => clause.holds(await contract.holdsDriver()))
      for (const clause of flowClauses())
        test(`flows: ${clause.says}`, async () => clause.holds(await contract.flowDriver()))
      for (const clause of vaultClauses())
        test(`vault: ${clause.says}`, async () => clause.holds(await contract.vaultDriver()))
      for (const clause of brokerClauses())
        test(`broker: ${clause.says}`, async () => clause.holds(await contract.brokerDriver()))
      for (const clause of wakeUpClauses())
        test(`wake-up: ${clause.says}`, async () => clause.holds(await contract.wakeUpDriver()))
    })
  }
}
