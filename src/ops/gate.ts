import type { Clock } from '../ports/clock.ts'
import { type RateLimit, rateLimiter } from './rate-limit.ts'
import { Refusal } from './refusal.ts'
import { isAtLeast } from './role.ts'
import type { Route } from './route.ts'
import { type Caller, type OpsToken, tokenBook } from './tokens.ts'

export interface GateOptions {
  readonly tokens: readonly OpsToken[]
  /** Names under which the API may be asked for. Anything else is refused: a page may have made its name point here. */
  readonly hosts: readonly string[]
  /** Of each token. */
  readonly rate: RateLimit
  /** Of wrong tokens, by all together: guessing must be slow, and who has a token must not suffer from it. */
  readonly guesses: RateLimit
  readonly clock: Clock
}

/** The one way in: every request passes here before anything is read or done. */
export interface Gate {
  /** Tells who asks. Throws FORBIDDEN for a foreign host or origin, UNAUTHENTICATED, TOO_MANY. */
  admit(request: Request): Caller
  /** Throws FORBIDDEN when the route is for a higher role. */
  authorize(caller: Caller, route: Route): void
}

export function gate(options: GateOptions): Gate {
  const callerOf = tokenBook(options.tokens)
  const mayAsk = rateLimiter(options.rate, options.clock)
  const mayGuess = rateLimiter(options.guesses, options.clock)
  const hosts = new Set(options.hosts.map((host) => host.toLowerCase()))
  return {
    admit(request) {
      const url = new URL(request.url)
      if (!hosts.has(url.hostname)) {
        throw new Refusal('FORBIDDEN', 'The API is not served under this host name.', {
          hint: 'Ask under a name that it was started with, or add the name to its hosts.',
        })
      }
      refuseForeign(request.headers.get('origin'), url)
      const shown = /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
      const caller = shown === undefined ? null : callerOf(shown)
      if (caller === null) throw unauthenticated(shown === undefined || mayGuess(''))
      if (!mayAsk(caller.name)) throw tooMany()
      return caller
    },

    authorize({ role }, { role: needed }) {
      if (isAtLeast(role, needed)) return
      throw new Refusal('FORBIDDEN', `This is for the role ${needed} and above; the token has the role ${role}.`, {
        hint: 'Use a token with that role.',
      })
    },
  }
}

/** Only a browser sends an origin: then it must be the one of our own pages. */
function refuseForeign(origin: string | null, url: URL): void {
  if (origin === null) return
  if (URL.canParse(origin) && new URL(origin).host === url.host) return
  throw new Refusal('FORBIDDEN', 'Pages of another origin may not ask.')
}

function unauthenticated(isInTime: boolean): Refusal {
  if (!isInTime) return tooMany()
  return new Refusal('UNAUTHENTICATED', 'The request has no token, or not one that is known.', {
    hint: 'Send the header Authorization: Bearer <token>.',
    headers: { 'www-authenticate': 'Bearer' },
  })
}

function tooMany(): Refusal {
  return new Refusal('TOO_MANY', 'Too many requests.', { hint: 'Wait a second.', headers: { 'retry-after': '1' } })
}
