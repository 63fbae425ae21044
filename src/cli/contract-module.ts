import { type Contracts, isContracts } from '../contracts/contracts.ts'
import type { Call } from './command.ts'
import { usage } from './failure.ts'
import { exportsOf } from './user-module.ts'

const says = 'It exports contracts([...]) of estafet/contracts: see docs/guides/contracts.md.'

/** The contracts that the module of --module exports: by default, or under whichever name. Runs that module. */
export async function loadContracts(call: Call): Promise<Contracts> {
  const file = call.options.text('module') ?? 'contracts.ts'
  const found = (await exportsOf(call, file, { says })).find(isContracts)
  if (found === undefined) throw usage(`The module ${file} exports no contracts.`, says)
  return found
}
