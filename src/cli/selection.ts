import type { Call } from './command.ts'
import { missing, usage } from './failure.ts'
import { oneService } from './fleet.ts'
import type { Query, ServiceClient } from './service-client.ts'

/** Which dead letters of one service a command means. */
export interface Chosen {
  readonly client: ServiceClient
  /** As the ops API takes it. */
  readonly selection: Readonly<Record<string, unknown>>
  /** How many numbers were named, each counted once; null when filters choose. */
  readonly named: number | null
}

const filters = ['type', 'key', 'handler', 'fingerprint', 'before'] as const

/** The filters that were given, as a query. */
export function filterQuery({ options }: Pick<Call, 'options'>): Query {
  const before = options.text('before')
  if (before !== null && Number.isNaN(Date.parse(before))) {
    throw usage('--before takes a time such as 2026-01-31T08:00:00Z.')
  }
  const given = Object.fromEntries(
    filters.filter((name) => options.has(name)).map((name) => [name, options.text(name)]),
  )
  return before === null ? given : { ...given, before: new Date(before).toISOString() }
}

/**
 * What numbers and filters of the line choose. Throws a usage failure when they choose nothing, unless --all says that
 * everything is meant, and when both are given, or numbers of two services.
 */
export async function chosen(call: Call): Promise<Chosen> {
  const query = filterQuery(call)
  const references = call.arguments.map(referenceOf)
  const hasFilter = Object.keys(query).length > 0
  if ([references.length > 0, hasFilter, call.options.has('all')].filter(Boolean).length !== 1) {
    throw usage(
      'Say which dead letters: by numbers, or by --type, --key, --handler, --fingerprint, --before, or --all of them.',
      'estafet dead-letters groups and list show them.',
    )
  }
  const owners = [...new Set(references.map(({ service }) => service))]
  if (owners.length > 1) throw usage('The numbers are of several services: do one service at a time.')
  const client = await oneService(call, owners[0] ?? null)
  if (references.length === 0) return { client, selection: query, named: null }
  // 42 and 042 are one dead letter: counted twice, it would look as if one were missing.
  const numbers = [...new Set(references.map(({ number }) => String(BigInt(number))))]
  return { client, selection: { numbers }, named: numbers.length }
}

/**
 * Throws NOT_FOUND when numbers were named and the service counts fewer dead letters than that: a wrong number would
 * otherwise look like one that was dealt with. Filters may choose nothing.
 */
export function requireNamed({ client, named }: Chosen, count: number): void {
  if (named === null || count >= named) return
  const message =
    count === 0
      ? `${client.name} has no dead letter of ${named === 1 ? 'that number' : 'those numbers'}.`
      : `${client.name} has dead letters of only ${count} of the ${named} numbers. Nothing was done.`
  throw missing(message, `estafet dead-letters list --service ${client.name} shows the numbers there are.`)
}

/** A number of a service: `42`, or `billing/42` where several services are named. */
export function referenceOf(text: string): { readonly service: string | null; readonly number: string } {
  const [, service, number] = /^(?:([a-z][a-z0-9-]*)\/)?(\d{1,18})$/.exec(text) ?? []
  if (number === undefined) throw usage(`"${text}" is not a number.`, 'Write it as 42, or as billing/42.')
  return { service: service ?? null, number }
}
