import { EstafetError } from '../message/errors.ts'
import type { SagaSummary } from '../ports/saga-search.ts'
import type { SagaDefinition } from './saga.ts'

/** Which definition goes on with a saga, by `type:version`. Throws MISCONFIGURED when two do. */
export function definitionsOf<Tx>(all: readonly SagaDefinition<Tx>[]): ReadonlyMap<string, SagaDefinition<Tx>> {
  const found = new Map<string, SagaDefinition<Tx>>()
  for (const definition of all) {
    for (const version of [definition.version, ...definition.continues]) {
      const key = `${definition.type}:${version}`
      if (found.has(key)) {
        throw new EstafetError(
          'MISCONFIGURED',
          `Two definitions go on with version ${version} of the saga ${definition.type}.`,
        )
      }
      found.set(key, definition)
    }
  }
  return found
}

/**
 * Throws MISCONFIGURED when sagas that have not ended began with another text under a version that this program has: they would
 * not come by what they have done. Returns the versions that it does not have: their sagas wait for a program that does.
 *
 * @source correctness.md R6.7
 */
export function refuseChanged<Tx>(
  definitions: ReadonlyMap<string, SagaDefinition<Tx>>,
  summary: readonly SagaSummary[],
): readonly SagaSummary[] {
  const open = summary.filter(({ status }) => status === 'running' || status === 'compensating')
  const changed = open.filter(({ type, version, hash }) => {
    const own = definitions.get(`${type}:${version}`)
    return own !== undefined && own.version === version && own.hash !== hash
  })
  if (changed.length > 0) {
    const each = changed.map(({ type, version, sagas }) => `version ${version} of ${type}, which ${sagas} began with`)
    throw new EstafetError(
      'MISCONFIGURED',
      `The text of a saga changed under the same version: ${each.join('; ')}. Keep the old one beside a new version, or say that the new one continues it.`,
    )
  }
  return open.filter(({ type, version }) => !definitions.has(`${type}:${version}`))
}
