import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isEstafetError } from '../message/errors.ts'
import type { Call } from './command.ts'
import { CommandFailure, missing, usage } from './failure.ts'

/** What a module of the user exports, by default or under whichever name. Runs that module. */
export async function exportsOf(
  call: Pick<Call, 'cwd'>,
  file: string,
  { says }: { readonly says: string },
): Promise<readonly unknown[]> {
  const path = resolve(call.cwd, file)
  try {
    await access(path)
  } catch {
    throw missing(`There is no module ${file}.`, `--module FILE names it. ${says}`)
  }
  return Object.values(await loaded(path, file))
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
