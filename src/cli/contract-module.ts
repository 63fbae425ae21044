import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Contracts, isContracts } from '../contracts/contracts.ts'
import { isEstafetError } from '../message/errors.ts'
import type { Call } from './command.ts'
import { CommandFailure, missing, usage } from './failure.ts'

/** The contracts that the module of --module exports: by default, or under whichever name. Runs that module. */
export async function loadContracts(call: Call): Promise<Contracts> {
  const file = call.options.text('module') ?? 'contracts.ts'
  const path = resolve(call.cwd, file)
  const how = 'It exports contracts([...]) of estafet/contracts: see docs/guides/contracts.md.'
  try {
    await access(path)
  } catch {
    throw missing(`There is no module ${file}.`, `--module FILE names it. ${how}`)
  }
  const exported = Object.values(await loaded(path, file))
  const found = exported.find(isContracts)
  if (found === undefined) throw usage(`The module ${file} exports no contracts.`, how)
  return found
}

async function loaded(path: string, file: string): Promise<object> {
  try {
    const module: unknown = await import(pathToFileURL(path).href)
    return typeof module === 'object' && module !== null ? module : {}
  } catch (error) {
    if (isEstafetError(error)) throw new CommandFailure('usage', error.code, error.message)
    // What it threw is the program's own, and may say more than should be shown.
    const name = error instanceof Error ? error.name : typeof error
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    throw usage(`The module ${file} cannot be loaded: ${name}${code}.`, `node ${file} shows where.`)
  }
}
