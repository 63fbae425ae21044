import { Refusal } from './refusal.ts'
import type { Route } from './route.ts'
import { basePath, type RouteName, routes } from './routes.ts'

export interface Match {
  readonly name: RouteName
  readonly route: Route
  /** What stands in the path, decoded. */
  readonly path: Readonly<Record<string, string>>
}

interface Pattern {
  readonly name: RouteName
  readonly route: Route
  readonly parts: readonly string[]
}

// Those with fewer parameters first: /dead-letters/groups is not a number.
const patterns: readonly Pattern[] = names()
  .map((name): Pattern => ({ name, route: routes[name], parts: routes[name].path.split('/') }))
  .toSorted((a, b) => paramCount(a) - paramCount(b))

/** Finds the route of a request. Throws NOT_FOUND, or WRONG_METHOD when only its method is not in the table. */
export function match(method: string, pathname: string): Match {
  const below = pathname.startsWith(`${basePath}/`) ? pathname.slice(basePath.length).split('/') : []
  const fitting = patterns.flatMap((pattern) => {
    const path = fit(pattern, below)
    return path === null ? [] : [{ name: pattern.name, route: pattern.route, path }]
  })
  const found = fitting.find(({ route }) => route.method === method)
  if (found !== undefined) return found
  if (fitting.length === 0) throw new Refusal('NOT_FOUND', 'There is nothing under this path.')
  const allow = [...new Set(fitting.map(({ route }) => route.method))].join(', ')
  throw new Refusal('WRONG_METHOD', `This path is for ${allow}.`, { headers: { allow } })
}

/** The names of all routes, in the order of the table. */
export function names(): readonly RouteName[] {
  return Object.keys(routes).filter(isRouteName)
}

function isRouteName(name: string): name is RouteName {
  return Object.hasOwn(routes, name)
}

function paramCount({ parts }: Pattern): number {
  return parts.filter((part) => part.startsWith('{')).length
}

function fit({ parts }: Pattern, given: readonly string[]): Readonly<Record<string, string>> | null {
  if (parts.length !== given.length) return null
  const found: [string, string][] = []
  for (const [at, part] of parts.entries()) {
    const value = decoded(given[at] ?? '')
    if (part.startsWith('{') && value !== null && value !== '') found.push([part.slice(1, -1), value])
    else if (part !== value) return null
  }
  return Object.fromEntries(found)
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part)
  } catch {
    return null
  }
}
