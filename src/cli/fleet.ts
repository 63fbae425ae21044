import { item, text } from './answer.ts'
import type { Call, Outcome } from './command.ts'
import { type Address, addresses } from './connect.ts'
import type { Diagnostic } from './envelope.ts'
import { CommandFailure, missing, usage } from './failure.ts'
import { type ServiceClient, serviceClient } from './service-client.ts'

/** What services answered that were asked the same. */
export interface Answers<Value> {
  readonly found: readonly { readonly service: string; readonly value: Value }[]
  /** Of those that could not be asked. */
  readonly diagnostics: readonly Diagnostic[]
  /** ok, or partial when some could not be asked. */
  readonly exit: Outcome['exit']
}

/** A process of a service, and whether it can be reached. */
export type Instance =
  | { readonly address: Address; readonly name: string; readonly client: ServiceClient }
  | { readonly address: Address; readonly name: string; readonly failure: CommandFailure }

/** Every process that was named, of the service that --service names. Throws NOT_FOUND when none has that name. */
export async function instances(call: Call): Promise<readonly Instance[]> {
  const wanted = call.options.text('service')
  const all = await Promise.all(addresses(call).map((address) => instanceOf(address, call.signal)))
  const chosen = all.filter(({ name, address }) => wanted === null || name === wanted || isUnknown(name, address))
  if (wanted === null || chosen.some(({ name }) => name === wanted))
    return chosen.filter(({ name, address }) => wanted === null || !isUnknown(name, address))
  const lost = chosen.find((each) => 'failure' in each)
  if (lost !== undefined && 'failure' in lost) throw lost.failure
  const names = [...new Set(all.map(({ name }) => name))].join(', ')
  throw missing(`There is no service ${wanted} among those named.`, `There are: ${names}.`)
}

/** One client for each service: of several processes of the same one, the first that answers. */
export async function services(
  call: Call,
): Promise<{ readonly clients: readonly ServiceClient[]; readonly failures: readonly CommandFailure[] }> {
  const clients = new Map<string, ServiceClient>()
  const lost = new Map<string, CommandFailure>()
  for (const each of await instances(call)) {
    if ('failure' in each) lost.set(each.name, each.failure)
    else if (!clients.has(each.name)) clients.set(each.name, each.client)
  }
  const failures = [...lost].filter(([name]) => !clients.has(name)).map(([, failure]) => failure)
  return { clients: [...clients.values()], failures }
}

/**
 * Asks every service the same, side by side. Throws when none could be asked; when some could not, the outcome is
 * partial and says which.
 */
export async function fromEach<Value>(
  call: Call,
  work: (client: ServiceClient) => Promise<Value>,
): Promise<Answers<Value>> {
  const { clients, failures } = await services(call)
  const settled = await Promise.allSettled(clients.map(work))
  const found: { service: string; value: Value }[] = []
  const lost: CommandFailure[] = [...failures]
  settled.forEach((result, at) => {
    const service = clients[at]?.name ?? ''
    if (result.status === 'fulfilled') found.push({ service, value: result.value })
    else if (result.reason instanceof CommandFailure) lost.push(result.reason)
    else throw result.reason
  })
  const [first] = lost
  if (first?.exit === 'interrupted' || (first !== undefined && found.length === 0)) throw first
  return { found, diagnostics: lost.map(({ diagnostic }) => diagnostic), exit: lost.length === 0 ? 'ok' : 'partial' }
}

/** The one service that a command acts on. Throws a usage failure when several are named. */
export async function oneService(call: Call, named: string | null = null): Promise<ServiceClient> {
  const { clients, failures } = await services(call)
  const names = clients.map(({ name }) => name)
  if (named !== null) {
    const client = clients.find(({ name }) => name === named)
    if (client !== undefined) return client
    throw failures[0] ?? missing(`There is no service ${named} among those named.`, `There are: ${names.join(', ')}.`)
  }
  const [client, another] = clients
  if (client === undefined) throw failures[0] ?? usage('No service is named.')
  if (another === undefined && failures.length === 0) return client
  throw usage(
    'This acts on one service, and several are named.',
    `Say which: --service ${names[0]}${names.length > 1 ? ` (or ${names.slice(1).join(', ')})` : ''}.`,
  )
}

async function instanceOf(address: Address, signal: AbortSignal): Promise<Instance> {
  if (address.name !== null)
    return { address, name: address.name, client: serviceClient(address, address.name, signal) }
  const host = address.url.host
  try {
    const manifest = await serviceClient(address, host, signal).get('/manifest')
    const name = text(item(manifest), 'service')
    return { address, name, client: serviceClient({ ...address, name }, name, signal) }
  } catch (error) {
    if (error instanceof CommandFailure && error.exit !== 'interrupted') return { address, name: host, failure: error }
    throw error
  }
}

/** True for one whose name could not be asked for: it may be the one that is wanted. */
function isUnknown(name: string, address: Address): boolean {
  return address.name === null && name === address.url.host
}
