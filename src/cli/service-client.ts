import { type Item, item, items, textOrNull } from './answer.ts'
import type { Address } from './connect.ts'
import type { Exit } from './exit-code.ts'
import { CommandFailure, unreachable } from './failure.ts'

export type Query = Readonly<Record<string, string | number | boolean | null>>

/** One service's ops API. Every method throws a CommandFailure that says what to do. */
export interface ServiceClient {
  readonly name: string
  readonly address: Address
  get(path: string, query?: Query): Promise<Item>
  /** The answer as it came, such as lines. */
  getText(path: string, query?: Query): Promise<string>
  post(path: string, body: unknown, contentType?: string): Promise<Item>
  /** Items of a list, page by page: all of them, or at most `limit` where the list has pages. */
  all(path: string, query?: Query, limit?: number | null): Promise<readonly Item[]>
}

/** What an answer was, for whoever must look at more than its content. */
export interface RawAnswer {
  readonly status: number
  readonly body: string
  /** The service's clock, to the second; null when it does not say. */
  readonly date: number | null
}

/** The most that the ops API puts into one page. */
const pageSize = 500

/** Long enough for a log to be verified, short enough that nobody thinks it hangs for ever. */
const answerMs = 60_000

export function serviceClient(address: Address, name: string, signal: AbortSignal): ServiceClient {
  const get = async (path: string, query: Query = {}): Promise<string> =>
    checked(await ask(address, path, { query, signal }), name, path)
  return {
    name,
    address,
    get: async (path, query) => parsed(await get(path, query), name),
    getText: get,
    post: async (path, body, contentType = 'application/json') => {
      const content = typeof body === 'string' ? body : JSON.stringify(body)
      return parsed(checked(await ask(address, path, { content, contentType, signal }), name, path), name)
    },
    async all(path, query = {}, limit = null) {
      const found: Item[] = []
      const most = limit ?? Number.POSITIVE_INFINITY
      for (let cursor: string | null = null; ; ) {
        const size = limit === null ? {} : { limit: Math.max(1, Math.min(pageSize, most - found.length)) }
        const page = parsed(await get(path, { ...query, ...size, after: cursor }), name)
        found.push(...items(page['items'], 'items'))
        cursor = textOrNull(page, 'next')
        if (cursor === null || found.length >= most) return found.slice(0, most)
      }
    },
  }
}

/** Asks a service and gives what it answered, whatever that is. Throws unreachable when nothing came. */
export async function ask(
  address: Address,
  path: string,
  of: {
    readonly query?: Query
    readonly content?: string
    readonly contentType?: string
    readonly signal: AbortSignal
  },
): Promise<RawAnswer> {
  const url = new URL(`${address.url.pathname === '/' ? '' : address.url.pathname}/ops/v1${path}`, address.url)
  for (const [field, value] of Object.entries(of.query ?? {})) {
    if (value !== null) url.searchParams.set(field, String(value))
  }
  try {
    const response = await fetch(url, {
      method: of.content === undefined ? 'GET' : 'POST',
      headers: {
        accept: 'application/json',
        ...(address.token === null ? {} : { authorization: `Bearer ${address.token}` }),
        ...(of.content === undefined ? {} : { 'content-type': of.contentType ?? 'application/json' }),
      },
      ...(of.content === undefined ? {} : { body: of.content }),
      // Where it would lead us is for nobody else to decide than whoever wrote the address.
      redirect: 'error',
      signal: AbortSignal.any([of.signal, AbortSignal.timeout(answerMs)]),
    })
    const date = Date.parse(response.headers.get('date') ?? '')
    return { status: response.status, body: await response.text(), date: Number.isNaN(date) ? null : date }
  } catch (error) {
    if (of.signal.aborted) throw new CommandFailure('interrupted', 'INTERRUPTED', 'Interrupted.')
    throw unreachable(
      `No answer from ${address.name ?? 'the service'} at ${address.url.origin}: ${reason(error)}.`,
      'See that the service runs and serves its ops API at that address.',
    )
  }
}

/** The body of a good answer. Throws what the service said was wrong. */
function checked(answer: RawAnswer, name: string, path: string): string {
  if (answer.status < 400) return answer.body
  throw failureOf(answer, name, path)
}

/** What a refused request means to whoever made it. */
export function failureOf({ status, body }: RawAnswer, name: string, path: string): CommandFailure {
  const said = errorIn(body)
  const message = said?.message ?? `It answered ${status} to ${path.split('?')[0] ?? path}.`
  return new CommandFailure(
    exitOf(status),
    said?.code ?? codeOf(status),
    `${name}: ${message}`,
    // The service speaks of headers; here a token is given in other ways.
    (status === 401 ? hints[401] : said?.hint) ?? hints[status] ?? null,
  )
}

function exitOf(status: number): Exit {
  if (status === 400 || status === 413 || status === 415 || status === 422) return 'usage'
  if (status === 401 || status === 403 || status === 409) return 'refused'
  return status === 404 ? 'missing' : 'unreachable'
}

function codeOf(status: number): string {
  const exit = exitOf(status)
  if (exit === 'usage') return 'USAGE'
  if (exit === 'refused') return 'REFUSED'
  return exit === 'missing' ? 'NOT_FOUND' : 'UNAVAILABLE'
}

const hints: Readonly<Record<number, string>> = {
  401: 'Give a token that the service knows: ESTAFET_TOKEN or --token-file.',
  403: 'The token’s role does not allow this: ask for one with a higher role.',
  404: 'See that the number or name is right, and that --service names the right service.',
  409: 'It has changed since it was looked at: run the command again and look at the new preview.',
  429: 'Too many requests: wait a moment.',
}

function errorIn(body: string): { code: string; message: string; hint: string | null } | null {
  try {
    const error = item(item(JSON.parse(body))['error'])
    const [code, message] = [textOrNull(error, 'code'), textOrNull(error, 'message')]
    return code === null || message === null ? null : { code, message, hint: textOrNull(error, 'hint') }
  } catch {
    return null
  }
}

function parsed(body: string, name: string): Item {
  let content: unknown
  try {
    content = JSON.parse(body)
  } catch {
    throw unreachable(`${name} did not answer with JSON.`, 'See that the address is that of an ops API of Estafet.')
  }
  return item(content)
}

/** What went wrong below fetch, by the code of its cause. */
function reason(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `none within ${answerMs / 1000} s`
  const cause = error instanceof Error ? error.cause : undefined
  if (cause instanceof AggregateError) return reasonCode(cause.errors[0])
  return reasonCode(cause ?? error)
}

function reasonCode(cause: unknown): string {
  if (typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'string')
    return cause.code
  return cause instanceof Error ? cause.name : 'unknown'
}
