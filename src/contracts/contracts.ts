import { EstafetError } from '../message/errors.ts'
import {
  byType,
  contractOf,
  type DescribedHandler,
  type DescribedService,
  type Keeps,
  type ServiceContract,
} from './contract.ts'
import { type Example, messageOf, type Sample, sampleOf } from './sample.ts'
import type { ToJsonSchema } from './shape.ts'

/** A service with what its definition does not say. */
export interface ContractOptions {
  readonly service: DescribedService
  /** Private events of its streams: others do not see them, but its own history must stay readable. */
  readonly keeps?: Keeps
  /** One event of each type, `OrderPlaced({ ... })`, to be kept as the sample of its version. Nothing secret. */
  readonly examples?: readonly Example[]
}

export interface ContractsOptions {
  /** For vendors whose schemas do not know Standard JSON Schema. (Default: the schema is asked.) */
  readonly toJsonSchema?: ToJsonSchema
}

/** Reads a sample as the program of today does: the key that it has now, null for a private event. Throws as `receive`. */
export type ReadSample = (sample: Sample) => string | null

/** One service of today: its contract as data, and what it runs. */
export interface DefinedContract {
  readonly contract: ServiceContract
  readonly examples: readonly Sample[]
  readonly handlers: readonly DescribedHandler[]
  /** The definition that reads a version of a type; null when there is none. */
  readonly reader: (type: string, version: number) => ReadSample | null
}

/** The services of a system as they are defined today. */
export interface Contracts {
  readonly services: readonly DefinedContract[]
  readonly [brand]: true
}

const brand: unique symbol = Symbol.for('estafet.contracts')

/**
 * The contracts of the services of a system, for `estafet contracts` and for tests:
 * `export default contracts([orders, { service: billing, examples: [InvoiceSent({ ... })] }])`.
 *
 * Throws MISCONFIGURED for two services of one name, an example that no definition of the service made, and a schema that cannot be told as JSON Schema.
 */
export function contracts(
  services: readonly (DescribedService | ContractOptions)[],
  { toJsonSchema }: ContractsOptions = {},
): Contracts {
  const all = services.map((each) => ('service' in each ? each : { service: each }))
  refuseTwice(all.map(({ service }) => service))
  return { services: all.map((each) => defined(each, toJsonSchema)), [brand]: true }
}

/** Tells whether a value is what `contracts` gives, also when another copy of the package made it. */
export function isContracts(value: unknown): value is Contracts {
  return typeof value === 'object' && value !== null && brand in value
}

function defined({ service, keeps = [], examples = [] }: ContractOptions, convert?: ToJsonSchema): DefinedContract {
  const contract = contractOf(service, keeps, convert)
  const published = byType(service.publishes)
  const kept = byType(keeps)
  for (const { type, version } of examples) {
    const known = contract.publishes[type] ?? contract.keeps[type]
    if (known?.versions[version] === undefined) {
      throw new EstafetError(
        'MISCONFIGURED',
        `${service.name} has an example of ${type} ${version}, which it does not define.`,
      )
    }
  }
  return {
    contract,
    handlers: service.handlers,
    examples: examples.map((example) => sampleOf(service.name, example)),
    reader(type, version) {
      const event = published.get(type)?.find((each) => reads(each, version))
      if (event !== undefined) return (sample) => event.keyOf(messageOf(sample, event.topic))
      const own = kept.get(type)?.find((each) => reads(each, version))
      if (own === undefined) return null
      return (sample) => {
        own.read(messageOf(sample, ''))
        return null
      }
    },
  }
}

function reads({ since, version }: { readonly since: number; readonly version: number }, at: number): boolean {
  return at >= since && at <= version
}

function refuseTwice(services: readonly DescribedService[]): void {
  const names = services.map(({ name }) => name)
  const twice = names.filter((name, at) => names.indexOf(name) !== at)
  if (twice.length > 0) {
    throw new EstafetError('MISCONFIGURED', `The contracts name a service twice: ${[...new Set(twice)].join(', ')}.`)
  }
}
