import type { Call } from './command.ts'
import { usage } from './failure.ts'
import { oneService } from './fleet.ts'
import type { ServiceClient } from './service-client.ts'

/** The saga that a line names, and the one service that has it. */
export interface NamedSaga {
  readonly client: ServiceClient
  readonly id: string
  /** Below which the ops API has it. */
  readonly path: string
}

/** Throws a usage failure when several services are named, or an id that no path can hold. */
export async function sagaOf(call: Call): Promise<NamedSaga> {
  const [id = ''] = call.arguments
  if (id === '' || id === '.' || id === '..') throw usage(`No saga can be asked for by the id "${id}".`)
  return { client: await oneService(call), id, path: `/sagas/${encodeURIComponent(id)}` }
}
