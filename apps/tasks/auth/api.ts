import { getConnInfo } from '@hono/node-server/conninfo'
import { createRoute, z } from '@hono/zod-openapi'
import type { PostgresStore } from 'estafet/postgres'
import type { Context } from 'hono'
import { personName, roles } from '../messages.ts'
import {
  type Api,
  adminOnly,
  bearer,
  body,
  byId,
  contextOf,
  type Env,
  json,
  type Now,
  newApi,
  problems,
  signedIn,
} from '../web/api.ts'
import { refuse, refuseForNow } from '../web/problem.ts'
import { type Tokens, tokenSeconds } from '../web/tokens.ts'
import {
  type Account,
  changeAccount,
  deleteAccount,
  findAccount,
  hasPassword,
  listAccounts,
  makeAccount,
  signIn,
} from './accounts.ts'
import { type Limit, limit } from './limit.ts'
import { NoTurn } from './turns.ts'

const email = z.email().max(254).toLowerCase()
const password = z.string().min(12).max(200)
const registration = z.strictObject({ email, name: personName, password })
const credentials = z.strictObject({ email, password: z.string().max(200) })
const change = z
  .strictObject({
    ...{ email, name: personName, password, role: z.enum(roles), version: z.int().min(1) },
    // Of who asks: somebody who found his token must not make the account his own.
    current_password: z.string().max(200),
  })
  .partial()
  .refine(
    (wanted) => Object.keys(wanted).some((field) => field !== 'version' && field !== 'current_password'),
    'changes nothing',
  )
  .refine((wanted) => wanted.password === undefined || wanted.current_password !== undefined, {
    path: ['current_password'],
    message: 'must be yours, for another password',
  })
const account = z.object({
  id: z.uuid(),
  email: z.string(),
  name: z.string(),
  role: z.enum(roles),
  version: z.number(),
  created_at: z.string(),
})
const accounts = z.object({ items: z.array(account), next: z.uuid().nullable() })
const token = z.object({ access_token: z.string(), token_type: z.literal('bearer'), expires_in: z.number() })
const page = z.object({ after: z.uuid().optional(), limit: z.coerce.number().int().min(1).max(100).default(50) })

/** For one e-mail address, and one account whose owner is asked for his password: nobody types faster. */
const perName = 10

export interface AuthApiOptions {
  readonly tokens: Tokens
  /** As for `signedIn`. */
  readonly now: Now
  /** How often one network address may sign in or register. */
  readonly signInsPerMinute: number
}

/** The HTTP interface of the auth service: accounts and tokens. */
export function authApi(store: PostgresStore, { tokens, now, signInsPerMinute }: AuthApiOptions): Api {
  const app = newApi()
  // The token of an account that is gone is good for nothing here, however long it was to last, nor is the role of one
  // that was an administrator's: he could make himself one again.
  const known = signedIn(tokens, now)
  app.use('/api/users', known)
  app.use('/api/users/*', known)
  const [addresses, names] = [limit(signInsPerMinute), limit(perName)]
  addSigningIn(app, store, tokens, (context, name) => {
    // The address first: what it may not do must not use up the times of a name, nor fill the memory with names.
    take(addresses, getConnInfo(context).remote.address ?? 'unknown')
    take(names, name)
  })
  addReading(app, store)
  addChanging(app, store, names)
  return app
}

/** Refuses who asks too often. */
type Admit = (context: Context<Env>, name: string) => void

function take(from: Limit, key: string): void {
  const seconds = from.take(key)
  if (seconds > 0) refuseForNow(seconds)
}

/** What hashes a password; where too many do, it is refused rather than kept waiting. */
async function orLater<Result>(hashing: Promise<Result>): Promise<Result> {
  try {
    return await hashing
  } catch (error) {
    return error instanceof NoTurn ? refuseForNow(1) : Promise.reject(error)
  }
}

function addSigningIn(app: Api, store: PostgresStore, tokens: Tokens, admit: Admit): void {
  const register = createRoute({
    method: 'post',
    path: '/api/auth/register',
    summary: 'Makes an account; publishes user.created.',
    request: { body: body(registration) },
    responses: {
      201: json(account, 'Made'),
      409: problems('The address has an account'),
      422: problems('Invalid; names the fields'),
      429: problems('Too often; Retry-After says when again'),
    },
  })
  app.openapi(register, async (context) => {
    const wanted = { ...context.req.valid('json'), role: 'member' } as const
    admit(context, wanted.email)
    const made = await orLater(makeAccount(store, wanted, contextOf(context)))
    if (made === null) return refuse(409, 'Nothing was written.', [{ field: 'email', reason: 'has an account' }])
    return context.json(viewOf(made), 201)
  })
  const login = createRoute({
    method: 'post',
    path: '/api/auth/login',
    summary: 'A bearer token for an address and its password.',
    request: { body: body(credentials) },
    responses: {
      200: json(token, 'The token'),
      401: problems('They do not fit'),
      422: problems('Invalid'),
      429: problems('Too often; Retry-After says when again'),
    },
  })
  app.openapi(login, async (context) => {
    const given = context.req.valid('json')
    admit(context, given.email)
    const found = await orLater(signIn(store, given.email, given.password))
    if (found === null) return refuse(401, 'The address and the password do not fit.')
    const issued = await tokens.issue(found)
    return context.json({ access_token: issued, token_type: 'bearer' as const, expires_in: tokenSeconds }, 200)
  })
}

function addReading(app: Api, store: PostgresStore): void {
  const list = createRoute({
    method: 'get',
    path: '/api/users',
    summary: 'All accounts, by pages.',
    security: bearer,
    middleware: adminOnly,
    request: { query: page },
    responses: { 200: json(accounts, 'A page'), 403: problems('Not an administrator') },
  })
  app.openapi(list, async (context) => {
    const { after = null, limit } = context.req.valid('query')
    const items = await listAccounts(store, { after, limit })
    const next = items.length === limit ? (items.at(-1)?.id ?? null) : null
    return context.json({ items: items.map(viewOf), next }, 200)
  })
  const read = createRoute({
    method: 'get',
    path: '/api/users/{id}',
    summary: 'One account: your own, or any for an administrator.',
    security: bearer,
    request: { params: byId },
    responses: { 200: json(account, 'The account'), 404: problems('None that you may see') },
  })
  app.openapi(read, async (context) => {
    const { id } = context.req.valid('param')
    refuseOthers(context.get('caller'), id)
    const found = await findAccount(store, id)
    return found === null ? refuse(404, 'There is no such account.') : context.json(viewOf(found), 200)
  })
}

function addChanging(app: Api, store: PostgresStore, names: Limit): void {
  const update = createRoute({
    method: 'patch',
    path: '/api/users/{id}',
    summary:
      'Changes an account; publishes user.updated. Only administrators change roles. Another password needs that of who' +
      ' asks, as current_password, and ends the tokens from before.',
    security: bearer,
    request: { params: byId, body: body(change) },
    responses: {
      200: json(account, 'Changed'),
      403: problems('A role is for administrators to change; or not your password'),
      404: problems('None that you may see'),
      409: problems('Another version, address taken, or the last administrator'),
      422: problems('Invalid; names the fields'),
      429: problems('Too often; Retry-After says when again'),
    },
  })
  app.openapi(update, async (context) => {
    const [{ id }, wanted, caller] = [context.req.valid('param'), context.req.valid('json'), context.get('caller')]
    refuseOthers(caller, id)
    if (wanted.role !== undefined && caller.role !== 'admin') {
      return refuse(403, 'Nothing was written.', [{ field: 'role', reason: 'is for administrators to change' }])
    }
    const { current_password: current, ...changes } = wanted
    if (current !== undefined) take(names, caller.id)
    if (current !== undefined && !(await orLater(hasPassword(store, caller.id, current)))) {
      return refuse(403, 'Nothing was written.', [{ field: 'current_password', reason: 'is not your password' }])
    }
    const changed = await orLater(changeAccount(store, id, changes, contextOf(context)))
    if (typeof changed === 'object') return context.json(viewOf(changed), 200)
    return refuseChange(changed)
  })
  const remove = createRoute({
    method: 'delete',
    path: '/api/users/{id}',
    summary: 'Deletes an account; publishes user.deleted.',
    security: bearer,
    request: { params: byId },
    responses: {
      204: { description: 'Deleted' },
      404: problems('None that you may see'),
      409: problems('The last administrator'),
    },
  })
  app.openapi(remove, async (context) => {
    const { id } = context.req.valid('param')
    refuseOthers(context.get('caller'), id)
    const outcome = await deleteAccount(store, id, contextOf(context))
    return outcome === 'deleted' ? context.body(null, 204) : refuseChange(outcome)
  })
}

/** Others than administrators are not even told whether there is such an account. */
function refuseOthers(caller: { readonly id: string; readonly role: string }, id: string): void {
  if (caller.role !== 'admin' && caller.id !== id) refuse(404, 'There is no such account.')
}

function refuseChange(why: 'missing' | 'version' | 'email' | 'last-admin'): never {
  if (why === 'missing') return refuse(404, 'There is no such account.')
  const faults = {
    version: { field: 'version', reason: 'is not the newest: read it again' },
    email: { field: 'email', reason: 'has an account' },
    'last-admin': { field: 'role', reason: 'is that of the last administrator' },
  }
  return refuse(409, 'Not as things are; nothing was written.', [faults[why]])
}

const viewOf = ({ id, email: address, name, role, version, created_at }: Account) => ({
  ...{ id, email: address, name, role, version },
  created_at: created_at.toISOString(),
})
