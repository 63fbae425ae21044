import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { MessageContext } from 'estafet'
import type { Context, MiddlewareHandler } from 'hono'
import { problem, refuse } from './problem.ts'
import type { Caller, Issued, Tokens } from './tokens.ts'

/** What a request carries along. */
export interface Env {
  Variables: {
    correlationId: string
    /** Set behind `signedIn`. */
    caller: Caller
  }
}
export type Api = OpenAPIHono<Env>

/** An empty HTTP interface: it answers invalid input with 422 and the names of the fields. */
export function newApi(): Api {
  return new OpenAPIHono<Env>({
    getPath: pathOf,
    defaultHook: (result) => {
      if (result.success) return
      const faults = result.error.issues.flatMap((issue) =>
        issue.code === 'unrecognized_keys'
          ? issue.keys.map((field) => ({ field, reason: 'is not known' }))
          : [{ field: issue.path.join('.') || '(body)', reason: issue.message }],
      )
      return problem(422, 'The request has invalid fields; nothing was written.', faults)
    },
  })
}

/** With a slash at its end or without, a path is the same; this one is known by it. */
function pathOf({ url }: Request): string {
  const path = new URL(url).pathname.replace(/(?<=.)\/+$/, '')
  return path === '/api/tasks' ? '/api/tasks/' : path
}

/**
 * Who somebody with a token is by now, with the role that he has; null when his account is gone, or has another password. A
 * token says only who he was when it was issued.
 */
export type Now = (issuedTo: Issued) => Promise<Caller | null>

/** Lets those through who bring a token of ours that is good still. */
export function signedIn(tokens: Tokens, now: Now): MiddlewareHandler<Env> {
  return async (context, next) => {
    const [, token = ''] = /^Bearer ([\w.-]+)$/i.exec(context.req.header('authorization') ?? '') ?? []
    const issuedTo = await tokens.read(token)
    const caller = issuedTo === null ? null : await now(issuedTo)
    if (caller === null) return refuse(401, 'A valid bearer token is needed.')
    context.set('caller', caller)
    return await next()
  }
}

/** Behind `signedIn`: for administrators only. */
export const adminOnly: MiddlewareHandler<Env> = async (context, next) => {
  if (context.get('caller').role !== 'admin') refuse(403, 'This is for administrators.')
  await next()
}

/** What goes from the request into the events that it publishes. */
export function contextOf(context: Context<Env>): MessageContext {
  return { correlationId: context.get('correlationId'), traceparent: context.req.header('traceparent') }
}

/** For descriptions of routes. */
export const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})
export const body = <Schema extends z.ZodType>(schema: Schema) => ({
  required: true,
  content: { 'application/json': { schema } },
})
const failure = z.object({
  title: z.string(),
  status: z.number(),
  errors: z.array(z.object({ field: z.string(), reason: z.string() })).optional(),
})
export const problems = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: failure } },
})
export const byId = z.object({ id: z.uuid() })
export const bearer = [{ bearer: [] }]
