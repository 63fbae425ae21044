import { closeSync, existsSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Call } from './command.ts'
import { refused, usage } from './failure.ts'

/** Where a service serves its ops API, and the token to show there. */
export interface Address {
  /** Null: known only by what the service says. */
  readonly name: string | null
  readonly url: URL
  /** Null: none was given. */
  readonly token: string | null
}

/**
 * Finds out where the services are: --url, --connect, ESTAFET_URL, ESTAFET_CONNECT, then `.estafet/ops.json` in the
 * working directory or above; the first that is given counts. The token of such a file goes to its services only, and
 * that of ESTAFET_TOKEN goes to the services of a file found by looking upwards only when all are on this machine.
 *
 * Throws a usage failure when nothing is given or the token may not go there, a refusal when others can read the file.
 */
export function addresses(call: Pick<Call, 'options' | 'env' | 'cwd'>): readonly Address[] {
  const { options, env, cwd } = call
  const token = givenToken(call)
  const urls = options.texts('url')
  const file = options.text('connect')
  if (urls.length > 0 && file !== null) throw usage('Give --url or --connect, not both.')
  if (urls.length > 0) return urls.map((url) => ({ name: null, url: addressOf(url), token }))
  if (file !== null) return fromFile(resolve(cwd, file), token)
  if (isGiven(env['ESTAFET_URL'])) {
    const named = env['ESTAFET_URL'].split(',').map((url) => url.trim())
    return named.filter((url) => url !== '').map((url) => ({ name: null, url: addressOf(url), token }))
  }
  if (isGiven(env['ESTAFET_CONNECT'])) return fromFile(resolve(cwd, env['ESTAFET_CONNECT']), token)
  const found = findUpwards(cwd)
  if (found !== null) {
    const all = fromFile(found, token)
    if (token !== null && options.text('token-file') === null) requireLoopback(found, all)
    return all
  }
  throw usage(
    'No service is named, and there is no .estafet/ops.json here or above.',
    'Name them: --url http://127.0.0.1:PORT (may be repeated), --connect FILE, ESTAFET_URL or ESTAFET_CONNECT.',
  )
}

function givenToken({ options, env, cwd }: Pick<Call, 'options' | 'env' | 'cwd'>): string | null {
  const file = options.text('token-file')
  const token = file === null ? env['ESTAFET_TOKEN'] : readText(resolve(cwd, file), '--token-file')
  if (!isGiven(token)) return null
  const trimmed = token.trim()
  if (!/^[\x21-\x7e]+$/.test(trimmed)) throw usage('The token holds characters that a token cannot have.')
  return trimmed
}

function fromFile(path: string, token: string | null): readonly Address[] {
  const { token: own, services } = contentOf(path, readPrivately(path))
  return Object.entries(services).map(([name, url]) => ({ name, url: addressOf(url), token: token ?? own }))
}

/** Nobody named the file: one that came with a folder, such as a clone, could send the token to anybody. */
function requireLoopback(path: string, all: readonly Address[]): void {
  const away = all.find(({ url }) => !isLoopback(url))
  if (away === undefined) return
  throw usage(
    `ESTAFET_TOKEN is not sent to ${away.url.origin}: it is not on this machine, and nobody named ${path}.`,
    `When you trust that file, name it: --connect ${path}.`,
  )
}

function isLoopback({ hostname }: URL): boolean {
  // A URL holds an IPv4 address in its one full form, however it was written.
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
}

function contentOf(path: string, text: string): { token: string | null; services: Readonly<Record<string, string>> } {
  const shape = `The file ${path} must hold { "token": "...", "services": { "name": "http://..." } }.`
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    throw usage(`${shape} It is not JSON.`)
  }
  if (typeof content !== 'object' || content === null || !('services' in content)) throw usage(shape)
  const { services } = content
  if (typeof services !== 'object' || services === null) throw usage(shape)
  const token = 'token' in content && typeof content.token === 'string' ? content.token : null
  const named = Object.entries(services).map(([name, url]: [string, unknown]): [string, string] => {
    if (typeof url !== 'string') throw usage(shape)
    return [name, url]
  })
  if (named.length === 0) throw usage(`The file ${path} names no service.`)
  return { token, services: Object.fromEntries(named) }
}

/** Reads a file that holds a token: only its owner may be able to read it, and that is us or root. */
function readPrivately(path: string): string {
  let handle: number
  try {
    handle = openSync(path, 'r')
  } catch {
    throw usage(`The file ${path} cannot be read.`, 'A supervisor of your services writes it; or use --url.')
  }
  try {
    const { mode, uid } = fstatSync(handle)
    const me = process.getuid?.()
    if (me !== undefined && (mode & 0o077) !== 0) {
      throw refused(`Others can read ${path}, which holds a token.`, `chmod 600 ${path}, and change the token.`)
    }
    // Looking upwards may lead through folders of others: what they put there would get what we send.
    if (me !== undefined && uid !== me && uid !== 0 && me !== 0)
      throw refused(`The file ${path} belongs to somebody else.`)
    return readFileSync(handle, 'utf8')
  } finally {
    closeSync(handle)
  }
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw usage(`The file ${path} of ${what} cannot be read.`)
  }
}

function findUpwards(from: string): string | null {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const path = join(folder, '.estafet', 'ops.json')
    if (existsSync(path)) return path
    if (dirname(folder) === folder) return null
  }
}

function addressOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw usage(`"${text}" is not an address.`, 'Write it as http://127.0.0.1:4000.')
  }
  if (url.username !== '' || url.password !== '') {
    throw usage('An address must not hold a name or a password.', 'Put the token into ESTAFET_TOKEN or --token-file.')
  }
  // As a server of the ops API names itself, or without its path.
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/\/ops\/v1$/, '')
  return url
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text.trim() !== ''
}
