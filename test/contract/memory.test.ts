import { test } from 'node:test'
import { brokerClauses, laneClauses, logClauses } from 'estafet/contract'
import { memoryBrokerDriver, memoryLaneDriver, memoryLogDriver } from './memory-driver.ts'

for (const clause of logClauses()) test(`memory log: ${clause.says}`, () => clause.holds(memoryLogDriver()))
for (const clause of laneClauses()) test(`memory lanes: ${clause.says}`, () => clause.holds(memoryLaneDriver()))
for (const clause of brokerClauses()) test(`memory broker: ${clause.says}`, () => clause.holds(memoryBrokerDriver()))
