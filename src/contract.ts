export { type BrokerDriver, brokerClauses } from './contract/broker.ts'
export type { Clause } from './contract/clause.ts'
export { type LaneDriver, laneClauses } from './contract/lane-store.ts'
export { type LogDriver, logClauses, type OpenTransaction } from './contract/log.ts'
