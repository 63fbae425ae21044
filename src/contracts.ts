export { asyncApi } from './contracts/asyncapi.ts'
export type { Break, BreakKind } from './contracts/break.ts'
export { type Committed, checkContracts, generated, type Verdict } from './contracts/check.ts'
export type {
  DescribedHandler,
  DescribedService,
  EventContract,
  HandlerContract,
  ServiceContract,
} from './contracts/contract.ts'
export {
  type ContractOptions,
  type Contracts,
  type ContractsOptions,
  contracts,
  type DefinedContract,
} from './contracts/contracts.ts'
export { type ContractFiles, committedOf, contractFiles, isContractFile, outdatedFiles } from './contracts/files.ts'
export type { JsonObject, JsonSchema } from './contracts/json-schema.ts'
export type { Example, Sample } from './contracts/sample.ts'
export type { ToJsonSchema, ToJsonSchemaOptions } from './contracts/shape.ts'
