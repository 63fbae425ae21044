import type { CommandSpec } from './command.ts'
import { contractCommands } from './table/contracts.ts'
import { deadLetterCommands } from './table/dead-letters.ts'
import { operationCommands } from './table/operations.ts'
import { serviceCommands } from './table/services.ts'

/** Every command there is, in the order of help. */
export const commands: readonly CommandSpec[] = [
  ...serviceCommands,
  ...deadLetterCommands,
  ...contractCommands,
  ...operationCommands,
]
