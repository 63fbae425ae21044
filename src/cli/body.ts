import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Call } from './command.ts'
import { usage } from './failure.ts'

/** What an argument gives: itself, the content of @FILE, or standard input for a dash. */
export async function contentOf(call: Call, argument: string): Promise<string> {
  if (argument === '-') return call.terminal.input()
  return argument.startsWith('@') ? fileContent(call, argument.slice(1)) : argument
}

export function fileContent({ cwd }: Pick<Call, 'cwd'>, path: string): string {
  try {
    return readFileSync(resolve(cwd, path), 'utf8')
  } catch {
    throw usage(`The file ${path} cannot be read.`)
  }
}

/** The same as JSON. Throws a usage failure, which does not quote it. */
export async function jsonOf(call: Call, argument: string, what: string): Promise<unknown> {
  const content = await contentOf(call, argument)
  try {
    return JSON.parse(content)
  } catch {
    throw usage(`${what} is not JSON.`, `Write it as '{"field":"value"}', @FILE, or - for standard input.`)
  }
}
