import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { MessageContext } from 'estafet'
import type { Context } from 'hono'
import { problem } from './problem.ts'

/** What a request carries along. */
export interface Env {
  Variables: { correlationId: string }
}
export type Api = OpenAPIHono<Env>

/** An empty HTTP interface: it answers invalid input with 422 and the names of the fields. */
export function newApi(): Api {
  return new OpenAPIHono<Env>({
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

/** What goes from the request into the events that follow from it. */
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
  actual_version: z.number().optional(),
})
export const problems = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: failure } },
})

/** Text that a database and JSON can both hold. */
export const text = z
  .string()
  .trim()
  .refine((value) => value.isWellFormed() && !value.includes('\u0000'), 'must be well-formed text without NUL')

/** Also of what was moved here, whose ids may be below 0. */
export const id = z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 -')
export const byId = z.object({ id })
