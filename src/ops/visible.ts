import type { Call } from './call.ts'
import type { Mask } from './mask.ts'
import { isAtLeast } from './role.ts'

/** What a definition says of fields that are hidden. */
export interface Hiding {
  readonly mask?: readonly string[]
  readonly personalFields?: readonly string[]
}

/** What is hidden from who asks in events of a type: see maskOf. */
export function maskFor(call: Pick<Call, 'service' | 'events' | 'caller'>, type: string): Mask {
  const all: readonly (Hiding & { readonly type: string })[] = [
    ...[...call.service.publishes, ...call.events, ...call.service.handlers],
  ]
  return maskOf(
    call,
    all.filter((each) => each.type === type),
  )
}

/**
 * What is hidden of what has these definitions. From everybody what is personal; from administrators nothing else; from others
 * what the definitions say, and everything where none is known.
 */
export function maskOf({ caller }: Pick<Call, 'caller'>, named: readonly Hiding[]): Mask {
  const personal = named.flatMap(({ personalFields = [] }) => personalFields)
  if (isAtLeast(caller.role, 'admin')) return [...new Set(personal)]
  const defined = named.filter(({ mask }) => mask !== undefined)
  if (defined.length === 0) return null
  return [...new Set([...defined.flatMap(({ mask = [] }) => mask), ...personal])]
}
