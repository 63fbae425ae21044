import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import type { Committed } from '../contracts/check.ts'
import { type ContractFiles, committedOf, isContractFile } from '../contracts/files.ts'
import { isEstafetError } from '../message/errors.ts'
import { CommandFailure } from './failure.ts'

/** The contract files of a folder, by path below it; null when there is no such folder. Others in it are left alone. */
export async function readFolder(folder: string): Promise<ContractFiles | null> {
  const found = new Map<string, string>()
  try {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/')
      if (entry.isFile() && isContractFile(path)) found.set(path, await readFile(join(folder, path), 'utf8'))
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
  return found
}

/** What the files of a folder say. */
export function committedIn(files: ContractFiles): Committed {
  try {
    return committedOf(files)
  } catch (error) {
    if (!isEstafetError(error)) throw error
    throw new CommandFailure('usage', error.code, error.message, 'git checkout brings back what was committed.')
  }
}

/** Writes the files that are `outdated`, and removes those that are wanted no more. */
export async function writeFolder(folder: string, files: ContractFiles, outdated: readonly string[]): Promise<void> {
  for (const path of outdated) {
    const target = resolve(folder, path)
    const text = files.get(path)
    if (text === undefined) await rm(target)
    else {
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, text)
    }
  }
}
