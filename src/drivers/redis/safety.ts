import { EstafetError } from '../../message/errors.ts'
import type { RedisConnection, UnsafeSetting } from './client.ts'
import { command } from './command.ts'
import { text } from './reply.ts'

interface Fault {
  readonly name: UnsafeSetting | null
  readonly says: string
}

/**
 * Throws MISCONFIGURED, with all faults at once, when the server's settings can lose messages and that was not allowed.
 *
 * A server that was found safe before and is a replica now is being replaced by another one: UNAVAILABLE.
 */
export async function refuseUnsafe(connection: RedisConnection, wasSafe: boolean): Promise<void> {
  const facts = factsOf(text(await command(connection, ['INFO'])))
  const faults = faultsOf(facts).filter(({ name }) => name === null || !connection.allow.includes(name))
  if (faults.length === 0) return
  if (wasSafe && faults.every(({ name }) => name === 'replica')) {
    throw new EstafetError('UNAVAILABLE', 'Redis has become a replica; the client must find the new primary.')
  }
  const names = faults.flatMap(({ name }) => name ?? [])
  throw new EstafetError(
    'MISCONFIGURED',
    `This Redis can lose messages: ${faults.map(({ says }) => says).join('; ')}.${names.length === 0 ? '' : ` Or accept it by allow: ${JSON.stringify(names)}.`}`,
    { details: { faults: names } },
  )
}

function faultsOf(facts: ReadonlyMap<string, string>): readonly Fault[] {
  const version = facts.get('redis_version') ?? 'unknown'
  const policy = facts.get('maxmemory_policy') ?? 'unknown'
  const faults: readonly (Fault & { readonly is: boolean })[] = [
    { is: !(Number.parseInt(version, 10) >= 7), name: null, says: `version 7 is needed, this is ${version}` },
    {
      is: policy !== 'noeviction',
      name: 'eviction',
      says: `maxmemory-policy is ${policy}, under which it throws streams away; set noeviction`,
    },
    {
      is: facts.get('aof_enabled') !== '1',
      name: 'no-aof',
      says: 'appendonly is off, so that a restart sets it back; set appendonly yes',
    },
    {
      is: facts.get('role') !== 'master',
      name: 'replica',
      says: 'it is a replica, which lags behind and takes no writes; connect to the primary',
    },
  ]
  return faults.filter(({ is }) => is)
}

function factsOf(info: string): ReadonlyMap<string, string> {
  const lines = info.split(/\r?\n/).filter((line) => line.includes(':'))
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}
