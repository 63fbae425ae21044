import { EstafetError } from '../message/errors.ts'
import type { BuildRecord, BuildRef } from '../ports/projections.ts'
import type { TableNames } from './project.ts'

/** What the tables of a build end in: the version, and the build when it is not the first one. */
export function suffixOf({ version, build }: BuildRef): string {
  return build > 1 ? `v${version}_${build}` : `v${version}`
}

/** The subscription under which a build keeps its progress, and its parked keys, if any. */
export function subscriptionOf(projection: string, of: BuildRef): string {
  return `projection:${projection}:${suffixOf(of)}`
}

/** Names the tables of a build. */
export function tableNames(tables: readonly string[], suffix: string): TableNames {
  const named = (name: string): string => {
    if (tables.includes(name)) return `${name}_${suffix}`
    throw new EstafetError('MISCONFIGURED', `The projection has no table ${JSON.stringify(name)}: list it in tables.`)
  }
  return Object.assign(named, { suffix })
}

/** How far behind a feed that is not the service's own may be said to be when there is nothing left to do in it. */
const idlePositions = 1_000n

/**
 * Tells whether a build may be made to serve by itself: it is newer than what serves, everything is folded that there was, and
 * nothing is in its way. An older version never comes back by itself, whatever program is started.
 */
export function isReady(candidate: BuildRecord, serving: BuildRef | null): boolean {
  if (candidate.state !== 'building' || candidate.stops.length > 0 || candidate.parkedMessages > 0) return false
  if (candidate.refused !== null || !isNewer(candidate, serving)) return false
  return (
    candidate.feeds.length > 0 &&
    candidate.feeds.every(({ isOwn, left }) => left !== null && left <= (isOwn ? 0n : idlePositions))
  )
}

function isNewer(candidate: BuildRef, serving: BuildRef | null): boolean {
  if (serving === null) return true
  if (candidate.version !== serving.version) return candidate.version > serving.version
  return candidate.build > serving.build
}
