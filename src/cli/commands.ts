import type { CommandSpec } from './command.ts'
import { contractCommands } from './table/contracts.ts'
import { deadLetterCommands } from './table/dead-letters.ts'
import { flowCommands } from './table/flows.ts'
import { operationCommands } from './table/operations.ts'
import { projectionCommands } from './table/projections.ts'
import { sagaCommands } from './table/sagas.ts'
import { serviceCommands } from './table/services.ts'
import { streamCommands } from './table/streams.ts'

/** Every command there is, in the order of help. */
export const commands: readonly CommandSpec[] = [
  ...serviceCommands,
  ...streamCommands,
  ...projectionCommands,
  ...sagaCommands,
  ...flowCommands,
  ...deadLetterCommands,
  ...contractCommands,
  ...operationCommands,
]
