import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { errorName } from '../delivery/failure.ts'
import { EstafetError } from '../message/errors.ts'
import type { EventType } from '../message/event.ts'
import type { Logger } from '../ports/logger.ts'
import { logger as makeLogger } from '../runtime/logger.ts'
import type { Running } from '../runtime/running.ts'
import { systemClock, systemRandom } from '../runtime/world.ts'
import { type OpsApi, opsApi, refuseBadHosts } from './api.ts'
import type { RateLimit } from './rate-limit.ts'
import { basePath } from './routes.ts'
import type { OpsProjections } from './shown-projections.ts'
import { type OpsStreams, type SubjectOptions, subjectOf } from './subject.ts'
import { generatedToken, type OpsToken } from './tokens.ts'

export interface OpsOptions<Tx> extends Pick<SubjectOptions<Tx>, 'service' | 'store'> {
  readonly running: Running
  /** Who may ask. Left out: one administrator's token is generated, and the address must be a loopback one. */
  readonly tokens?: readonly OpsToken[]
  /** Of the service's code. (Default: unknown.) */
  readonly version?: string
  /** Events that the service handles, for their masks: content of unknown events is shown to administrators only. */
  readonly events?: readonly EventType<never, unknown>[]
  /** The service's own streams of events, to be looked at as they were. Left out: they are not shown. */
  readonly streams?: OpsStreams<Tx>
  /** The service's read models. Left out: they are not shown. */
  readonly projections?: OpsProjections<Tx>
  /** Names under which it may be asked for, beside those of the loopback addresses and `host`. */
  readonly hosts?: readonly string[]
  /** Requests that each token may make. (Default: 50 a second, 200 at once.) */
  readonly rate?: RateLimit
  /** Requests with wrong tokens, by all together. (Default: 5 a second, 50 at once.) */
  readonly guesses?: RateLimit
  readonly logger?: Logger
}

export interface ServeOpsOptions<Tx> extends OpsOptions<Tx> {
  /** Where it listens. (Default: 127.0.0.1.) */
  readonly host?: string
  /** (Default: 0, a free one.) */
  readonly port?: number
}

export interface ServedOps {
  /** Such as `http://127.0.0.1:4711/ops/v1`. */
  readonly url: string
  /** The token that was generated; null when tokens were given. */
  readonly token: string | null
  /** Stops listening and ends what is under way. May be repeated. */
  close(): Promise<void>
}

const loopbackNames = ['127.0.0.1', 'localhost', '[::1]']

/**
 * Makes the ops API of a service as a function from `Request` to `Response`, to be mounted below the root of a server.
 *
 * It must be given tokens; with `hosts`, the names that the server is known by. Throws MISCONFIGURED, and UNSUPPORTED for a
 * store without operations.
 */
export function ops<Tx>(options: OpsOptions<Tx> & { readonly tokens: readonly OpsToken[] }): OpsApi {
  const { events = [], version = 'unknown', hosts = [] } = options
  const logger = options.logger ?? makeLogger({ service: options.service.name })
  const world = { clock: systemClock, random: systemRandom }
  refuseBadHosts(hosts)
  const subject = subjectOf({ ...options, ...world, events, version, logger })
  const { rate = { perSecond: 50, burst: 200 }, guesses = { perSecond: 5, burst: 50 } } = options
  const guard = { tokens: options.tokens, hosts: [...loopbackNames, ...hosts], rate, guesses, ...world }
  return opsApi(subject, guard, logger)
}

/**
 * Serves the ops API of a service on an address of its own, loopback unless told otherwise.
 *
 * Throws MISCONFIGURED for another address without tokens that somebody configured, and UNAVAILABLE when the port is
 * taken.
 */
export async function serveOps<Tx>(options: ServeOpsOptions<Tx>): Promise<ServedOps> {
  const { host = '127.0.0.1', port = 0 } = options
  if (options.tokens === undefined && !isLoopback(host)) {
    throw new EstafetError(
      'MISCONFIGURED',
      `The ops API may listen on ${host} only with tokens that were configured; a generated one is for loopback.`,
    )
  }
  const generated = options.tokens === undefined ? generatedToken() : null
  const tokens = options.tokens ?? (generated === null ? [] : [generated])
  const hosts = [...(options.hosts ?? []), ...nameOf(host)]
  const logger = options.logger ?? makeLogger({ service: options.service.name })
  const api = ops({ ...options, tokens, hosts, logger })
  const server = createServer((incoming, outgoing) => void serve(api, incoming, outgoing, logger))
  // A slow sender must not hold a connection for ever.
  server.requestTimeout = 30_000
  server.headersTimeout = 10_000
  server.maxConnections = 256
  const bound = await listen(server, host, port)
  let closed: Promise<void> | null = null
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}${basePath}`,
    token: generated?.token ?? null,
    close: () => (closed ??= close(server)),
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

/** The name that an address is asked for by; that of all addresses is none. */
function nameOf(host: string): readonly string[] {
  if (host === '0.0.0.0' || host === '::' || host === '') return []
  return [new URL(`http://${host.includes(':') ? `[${host}]` : host}`).hostname]
}

async function serve(api: OpsApi, incoming: IncomingMessage, outgoing: ServerResponse, logger: Logger): Promise<void> {
  const gone = new AbortController()
  outgoing.once('close', () => gone.abort())
  try {
    const request = toRequest(incoming, gone.signal)
    const response = request === null ? new Response(null, { status: 400 }) : await api(request)
    // What was not read is not waited for: the answer says why, and the connection ends with it.
    if (!incoming.complete) outgoing.shouldKeepAlive = false
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    if (response.body === null) outgoing.end()
    else await pipeline(Readable.fromWeb(response.body), outgoing)
  } catch (error) {
    if (!gone.signal.aborted) logger.warn('an answer of the ops API could not be sent', { error: errorName(error) })
    outgoing.destroy()
  }
}

/** Null when it names no host that could be one, or a method that nobody knows. */
function toRequest(incoming: IncomingMessage, signal: AbortSignal): Request | null {
  const { method = 'GET', headers, url = '/' } = incoming
  const address = `http://${headers.host ?? ''}${url.startsWith('/') ? url : '/'}`
  if (!/^[\w.:[\]-]+$/.test(headers.host ?? '') || !URL.canParse(address)) return null
  const own = new Headers()
  for (const name of ['authorization', 'origin', 'content-type', 'content-length'] as const) {
    const value = headers[name]
    if (value !== undefined) own.set(name, value)
  }
  const hasBody = method !== 'GET' && method !== 'HEAD'
  try {
    if (!hasBody) return new Request(address, { method, headers: own, signal })
    const body = ReadableStream.from<Uint8Array>(incoming)
    return new Request(address, { method, headers: own, signal, body, duplex: 'half' })
  } catch {
    return null
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new EstafetError('UNAVAILABLE', `The ops API cannot listen on ${host} port ${port}.`, { cause }))
    })
    server.listen(port, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
