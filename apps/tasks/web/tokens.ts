import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sign, verify } from 'hono/jwt'
import * as z from 'zod'
import { roles } from '../messages.ts'

/** Who asks. */
export interface Caller {
  readonly id: string
  readonly role: (typeof roles)[number]
}

/** Who a token was issued to. */
export interface Issued extends Caller {
  /** Of his password then: a token ends with the password under which it was asked for. */
  readonly passwordVersion: number
}

/** Bearer tokens: JSON web tokens, HS256. Auth issues them; every service can tell a true one. */
export interface Tokens {
  issue(to: Issued): Promise<string>
  /** Null when it is no token of ours, or not any more. */
  read(token: string): Promise<Issued | null>
}

/** How long a token is good. */
export const tokenSeconds = 3_600

const issuer = 'estafet-tasks'
const claims = z.object({ sub: z.uuid(), role: z.enum(roles), password_version: z.int().min(1), exp: z.number() })

export function tokensOf(secret: string): Tokens {
  return {
    issue({ id, role, passwordVersion: password_version }) {
      const now = Math.floor(Date.now() / 1000)
      const lasts = { iat: now, exp: now + tokenSeconds }
      return sign({ sub: id, role, password_version, iss: issuer, ...lasts }, secret, 'HS256')
    },
    async read(token) {
      try {
        const read = claims.parse(await verify(token, secret, { alg: 'HS256', iss: issuer }))
        return { id: read.sub, role: read.role, passwordVersion: read.password_version }
      } catch {
        return null
      }
    },
  }
}

/** The secret of the system in `home`, made when there is none, for this user alone. */
export function secretIn(home: string): string {
  const path = join(home, 'token.secret')
  if (!existsSync(path)) writeFileSync(path, randomBytes(32).toString('base64url'), { mode: 0o600 })
  return readFileSync(path, 'utf8')
}
