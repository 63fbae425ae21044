import { test } from 'node:test'
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
import {
  memoryBrokerDriver,
  memoryEventStoreDriver,
  memoryLaneDriver,
  memoryLogDriver,
  memoryLogFeedDriver,
  memoryParkingDriver,
  memorySagasDriver,
  memoryStepFenceDriver,
  memoryUnitOfWorkDriver,
  memoryVaultDriver,
  memoryWakeUpDriver,
} from './memory-driver.ts'
import { memoryFlowDriver, memoryHoldsDriver } from './memory-holds-driver.ts'

for (const clause of unitOfWorkClauses())
  test(`memory unit of work: ${clause.says}`, () => clause.holds(memoryUnitOfWorkDriver()))
for (const clause of logClauses()) test(`memory log: ${clause.says}`, () => clause.holds(memoryLogDriver()))
for (const clause of logFeedClauses())
  test(`memory log feed: ${clause.says}`, () => clause.holds(memoryLogFeedDriver()))
for (const clause of laneClauses()) test(`memory lanes: ${clause.says}`, () => clause.holds(memoryLaneDriver()))
for (const clause of brokerClauses()) test(`memory broker: ${clause.says}`, () => clause.holds(memoryBrokerDriver()))
for (const clause of wakeUpClauses()) test(`memory wake-up: ${clause.says}`, () => clause.holds(memoryWakeUpDriver()))
for (const clause of parkingClauses()) test(`memory parking: ${clause.says}`, () => clause.holds(memoryParkingDriver()))
for (const clause of retryClauses()) test(`memory retries: ${clause.says}`, () => clause.holds(memoryParkingDriver()))
for (const clause of inboxClauses()) test(`memory inbox: ${clause.says}`, () => clause.holds(memoryParkingDriver()))
for (const clause of eventStoreClauses())
  test(`memory event store: ${clause.says}`, () => clause.holds(memoryEventStoreDriver()))
for (const clause of stepFenceClauses())
  test(`memory step fence: ${clause.says}`, () => clause.holds(memoryStepFenceDriver()))
for (const clause of sagasClauses()) test(`memory sagas: ${clause.says}`, () => clause.holds(memorySagasDriver()))
for (const clause of sagaSearchClauses())
  test(`memory saga search: ${clause.says}`, () => clause.holds(memorySagasDriver()))
for (const clause of reservationClauses())
  test(`memory reservations: ${clause.says}`, () => clause.holds(memoryHoldsDriver()))
for (const clause of semanticLockClauses())
  test(`memory semantic locks: ${clause.says}`, () => clause.holds(memoryHoldsDriver()))
for (const clause of flowClauses()) test(`memory flows: ${clause.says}`, () => clause.holds(memoryFlowDriver()))
for (const clause of vaultClauses()) test(`memory vault: ${clause.says}`, () => clause.holds(memoryVaultDriver()))
for (const clause of logClauses())
  test(`memory events: log: ${clause.says}`, () => clause.holds(memoryEventStoreDriver()))
