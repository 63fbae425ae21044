import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { EstafetError } from '../message/errors.ts'
import type { Role } from './role.ts'

/** A token that somebody may show. */
export interface OpsToken {
  /** Who that is, in the audit. */
  readonly name: string
  readonly role: Role
  /** At least 24 characters of chance; 32 bytes as hexadecimal, for instance. */
  readonly token: string
}

/** Who asks. */
export interface Caller {
  readonly name: string
  readonly role: Role
}

/** A new token for one run of a service. */
export function generatedToken(): OpsToken {
  return { name: 'generated', role: 'admin', token: randomBytes(32).toString('base64url') }
}

/**
 * Tells who shows a token. All comparisons are made, and each takes equally long. Throws MISCONFIGURED for
 * tokens that can be guessed, and for names that would be one in the audit.
 */
export function tokenBook(tokens: readonly OpsToken[]): (shown: string) => Caller | null {
  refuseWeak(tokens)
  const known = tokens.map(({ name, role, token }) => ({ caller: { name, role }, digest: digestOf(token) }))
  return (shown) => {
    const digest = digestOf(shown)
    let found: Caller | null = null
    for (const each of known) if (timingSafeEqual(digest, each.digest)) found = each.caller
    return found
  }
}

function refuseWeak(tokens: readonly OpsToken[]): void {
  const faults: string[] = []
  if (tokens.length === 0) faults.push('there is none')
  for (const { name, token } of tokens) {
    if (!/^[\w.@-]{1,64}$/.test(name))
      faults.push(`the name ${JSON.stringify(name)} must be 1 to 64 of A-Z a-z 0-9 _ . @ -`)
    if (!/^[\x21-\x7e]{24,512}$/.test(token)) faults.push(`the token of ${name} must be 24 to 512 printable characters`)
  }
  if (new Set(tokens.map(({ name }) => name)).size < tokens.length) faults.push('two of them have the same name')
  if (new Set(tokens.map(({ token }) => token)).size < tokens.length) faults.push('two of them are the same')
  if (faults.length === 0) return
  throw new EstafetError('MISCONFIGURED', `The tokens of the ops API cannot be used: ${faults.join('; ')}.`)
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
