import { errorName } from '../delivery/failure.ts'
import { EstafetError } from '../message/errors.ts'
import type { Logger } from '../ports/logger.ts'
import { readBody } from './body.ts'
import type { Answer, Subject } from './call.ts'
import { type Gate, type GateOptions, gate } from './gate.ts'
import { handlers } from './handlers.ts'
import { match } from './match.ts'
import { readParams } from './params.ts'
import { errorAnswer, Refusal } from './refusal.ts'

/** An ops API: a function from request to answer, to be mounted wherever. */
export type OpsApi = (request: Request) => Promise<Response>

/** Makes the ops API of a service. Nothing is read or done before the gate; a route that is not in the table is none. */
export function opsApi(subject: Subject, guard: GateOptions, logger: Logger): OpsApi {
  const entrance = gate(guard)
  return async (request) => {
    try {
      return await answer(subject, entrance, request)
    } catch (error) {
      const { status, headers, body } = errorAnswer(error)
      // Where a person will look; not what was asked for, which may hold anything.
      if (status >= 500) logger.error('the ops API failed', { error: errorName(error), method: request.method })
      return json(status, body, headers)
    }
  }
}

async function answer(subject: Subject, entrance: Gate, request: Request): Promise<Response> {
  const caller = entrance.admit(request)
  const url = new URL(request.url)
  const { name, route, path } = match(request.method, url.pathname)
  entrance.authorize(caller, route)
  const query = onceEach(url.searchParams)
  const body = route.method === 'POST' ? await readBody(request, route.maxBytes) : {}
  const params = readParams(route, path, query, body)
  const given: Answer = await handlers[name]({ ...subject, params, caller, signal: request.signal })
  return 'lines' in given && isLines(given.lines) ? lines(given.lines) : json(200, given)
}

function isLines(value: unknown): value is AsyncIterable<object> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/** Throws INVALID_REQUEST for a parameter that is given twice: which one was meant? */
function onceEach(query: URLSearchParams): URLSearchParams {
  if (new Set(query.keys()).size < query.size) throw new Refusal('INVALID_REQUEST', 'A parameter is given twice.')
  return query
}

const always = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
}

function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Response {
  const text = JSON.stringify(body, bigintAsText)
  return new Response(text, { status, headers: { ...always, ...headers, 'content-type': 'application/json' } })
}

function lines(items: AsyncIterable<object>): Response {
  const encoder = new TextEncoder()
  const iterator = items[Symbol.asyncIterator]()
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next()
      if (done === true) controller.close()
      else controller.enqueue(encoder.encode(`${JSON.stringify(value, bigintAsText)}\n`))
    },
    async cancel() {
      await iterator.return?.()
    },
  })
  const attachment = 'attachment; filename="dead-letters.ndjson"'
  const headers = { ...always, 'content-type': 'application/x-ndjson', 'content-disposition': attachment }
  return new Response(stream, { headers })
}

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

/** Throws MISCONFIGURED unless the names are such as can stand in an address. */
export function refuseBadHosts(hosts: readonly string[]): void {
  const wrong = hosts.filter((host) => !URL.canParse(`http://${host}`) || new URL(`http://${host}`).hostname !== host)
  if (wrong.length === 0) return
  throw new EstafetError(
    'MISCONFIGURED',
    `The hosts ${wrong.join(', ')} must be plain names, in lower case, without port.`,
  )
}
