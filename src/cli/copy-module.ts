import { isStreamCopy, type StreamCopy } from '../event-sourcing/copy.ts'
import type { Call } from './command.ts'
import { usage } from './failure.ts'
import { exportsOf } from './user-module.ts'

const says = 'It exports streamCopy({ from, to, transform }) of estafet: see docs/guides/versioning.md.'

/** The file of --module. */
export function copyFile(call: Pick<Call, 'options'>): string {
  return call.options.text('module') ?? 'copy.ts'
}

/** The copy that the module of --module exports: by default, or under whichever name. Runs that module. */
export async function loadCopy(call: Call): Promise<StreamCopy> {
  const file = copyFile(call)
  const found = [...new Set(await exportsOf(call, file, { says }))].filter(isStreamCopy)
  const [copy] = found
  if (copy === undefined) throw usage(`The module ${file} exports no copy.`, says)
  if (found.length > 1)
    throw usage(`The module ${file} exports ${found.length} copies.`, 'Give each a module of its own.')
  return copy
}
