import { errorCodes } from '../message/errors.ts'
import { answers } from './answers.ts'
import { names } from './match.ts'
import { refusals } from './refusal.ts'
import type { Param, Route } from './route.ts'
import { basePath, routes } from './routes.ts'

/** The table as an OpenAPI 3.1 document. */
export function openApi(service: string, version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const name of names()) {
    const route: Route = routes[name]
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(name, route) }
  }
  return {
    openapi: '3.1.0',
    info: { title: `Ops API of ${service}`, version, description: describeErrors() },
    servers: [{ url: basePath }],
    security: [{ token: [] }],
    paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } }, schemas: answers },
  }
}

function operationOf(name: string, route: Route): object {
  const all = Object.entries(route.params)
  const body = all.filter(([, param]) => param.in === 'body')
  const type = route.answer === 'DeadLetterLines' ? 'application/x-ndjson' : 'application/json'
  return {
    operationId: name,
    summary: route.summary,
    'x-role': route.role,
    parameters: all.filter(([, param]) => param.in !== 'body').map(([param, spec]) => parameterOf(param, spec)),
    ...(body.length === 0 ? {} : { requestBody: bodyOf(body) }),
    responses: {
      200: { description: 'Done, or found.', content: { [type]: { schema: reference(route.answer) } } },
      default: { description: 'Not done.', content: { 'application/json': { schema: reference('Error') } } },
    },
  }
}

function reference(name: keyof typeof answers): object {
  return { $ref: `#/components/schemas/${name}` }
}

function parameterOf(name: string, { in: where, says, isRequired, ...param }: Param): object {
  return { name, in: where, required: isRequired === true, description: says, schema: schemaOf(param) }
}

function bodyOf(params: readonly (readonly [string, Param])[]): object {
  const required = params.filter(([, { isRequired }]) => isRequired === true).map(([name]) => name)
  const properties = Object.fromEntries(
    params.map(([name, { says, ...param }]) => [name, { ...schemaOf(param), description: says }]),
  )
  const schema = { type: 'object', additionalProperties: false, required, properties }
  return { required: required.length > 0, content: { 'application/json': { schema } } }
}

function schemaOf({ kind, max, choices }: Pick<Param, 'kind' | 'max' | 'choices'>): object {
  if (choices !== undefined) return { type: 'string', enum: choices }
  const limit = (name: string): object => (max === undefined ? {} : { [name]: max })
  switch (kind) {
    case 'text':
      return { type: 'string', minLength: 1, maxLength: max ?? 512 }
    case 'count':
      return { type: 'integer', minimum: 0, ...limit('maximum') }
    case 'number':
      return { type: 'string', pattern: '^[0-9]{1,18}$' }
    case 'numbers':
      return { type: 'array', items: { type: 'string', pattern: '^[0-9]{1,18}$' }, ...limit('maxItems') }
    case 'instant':
      return { type: 'string', format: 'date-time' }
    case 'flag':
      return { type: 'boolean' }
    case 'records':
      return { type: 'array', items: { type: 'object' }, ...limit('maxItems') }
    case 'value':
      return {}
  }
}

function describeErrors(): string {
  const own = Object.entries(refusals).map(([code, { status, means }]) => `${code} (${status}): ${means}`)
  const toolkit = Object.entries(errorCodes).map(([code, { means }]) => `${code}: ${means}`)
  return `Errors are \`{ error: { code, message, hint } }\`. Codes: ${[...own, ...toolkit].join('; ')}.`
}
