import type { Call } from './command.ts'
import { usage } from './failure.ts'
import { oneService } from './fleet.ts'
import type { ServiceClient } from './service-client.ts'

/** The stream that a line names, and the one service that has it. */
export interface NamedStream {
  readonly client: ServiceClient
  readonly type: string
  readonly id: string
  /** Below which the ops API shows it. */
  readonly path: string
}

/** Throws a usage failure when several services are named, or a name that no path can hold. */
export async function streamOf(call: Call): Promise<NamedStream> {
  const [type = '', id = ''] = call.arguments
  const wrong = [type, id].find((name) => name === '' || name === '.' || name === '..')
  if (wrong !== undefined) throw usage(`No stream can be asked for by the name "${wrong}".`)
  const path = `/streams/${encodeURIComponent(type)}/${encodeURIComponent(id)}`
  return { client: await oneService(call), type, id, path }
}

/** What is said of the fields that were hidden; null when none is. */
export function hiddenText(masked: readonly string[]): string | null {
  return masked.length === 0 ? null : masked.join(', ')
}
