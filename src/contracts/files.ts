import { asyncApi } from './asyncapi.ts'
import { type Committed, generated, nameOf } from './check.ts'
import type { Contracts } from './contracts.ts'
import { isSame } from './json-schema.ts'
import { parseContract, parseSample } from './parse.ts'
import { jsonText } from './text.ts'

/** Texts by path, as `orders.json`, `orders.asyncapi.json` and `orders/order.placed.v1.json`. */
export type ContractFiles = ReadonlyMap<string, string>

const asyncApiFile = /^[^/]+\.asyncapi\.json$/
const contractFile = /^[^/]+\.json$/
const sampleFile = /^[^/]+\/[^/]+\.v\d+\.json$/

/** The files to commit for what is defined today; see `generated`. Always the same texts for the same definitions. */
export function contractFiles(today: Contracts, committed: Committed): ContractFiles {
  const { contracts, samples } = generated(today, committed)
  const now = today.services.map(({ contract }) => contract)
  return new Map([
    ...contracts.map((contract): [string, string] => [`${contract.service}.json`, jsonText(contract)]),
    ...now.map((contract): [string, string] => [
      `${contract.service}.asyncapi.json`,
      jsonText(asyncApi(contract, now)),
    ]),
    ...samples.map((sample): [string, string] => [`${nameOf(sample)}.json`, jsonText(sample)]),
  ])
}

/** Tells whether a path, below the folder of contracts, is of a file that `contractFiles` makes. */
export function isContractFile(path: string): boolean {
  return contractFile.test(path) || sampleFile.test(path)
}

/** What files of before say. Throws MISCONFIGURED, naming the file, for one that is none of ours. */
export function committedOf(files: ContractFiles): Committed {
  const paths = [...files].filter(([path]) => isContractFile(path) && !asyncApiFile.test(path))
  const isSample = ([path]: readonly [string, string]): boolean => sampleFile.test(path)
  return {
    contracts: paths.filter((each) => !isSample(each)).map(([path, text]) => parseContract(path, text)),
    samples: paths.filter(isSample).map(([path, text]) => parseSample(path, text)),
  }
}

/** The paths of files that are missing, say something else, or are of nothing any more; in whichever way they are laid out. */
export function outdatedFiles(wanted: ContractFiles, found: ContractFiles): readonly string[] {
  const differing = [...wanted].filter(([path, text]) => !isSameJson(found.get(path), text)).map(([path]) => path)
  // A document without its contract is somebody else's.
  const isOurs = (path: string): boolean => !asyncApiFile.test(path) || found.has(path.replace('.asyncapi.', '.'))
  const left = [...found.keys()].filter((path) => isContractFile(path) && !wanted.has(path) && isOurs(path))
  return [...differing, ...left].toSorted()
}

function isSameJson(found: string | undefined, wanted: string): boolean {
  if (found === undefined || found === wanted) return found === wanted
  try {
    return isSame(JSON.parse(found), JSON.parse(wanted))
  } catch {
    return false
  }
}
