import type { Call } from './call.ts'
import type { Mask } from './mask.ts'
import { isAtLeast } from './role.ts'

/**
 * What is hidden from who asks in events of a type. From everybody what is personal; from administrators nothing else; from
 * others what the event's definition says, and everything where no definition is known.
 */
export function maskFor(call: Pick<Call, 'service' | 'events' | 'caller'>, type: string): Mask {
  const named = [...call.service.publishes, ...call.events, ...call.service.handlers].filter(
    (each) => each.type === type,
  )
  const personal = named.flatMap(({ personalFields = [] }) => personalFields)
  if (isAtLeast(call.caller.role, 'admin')) return [...new Set(personal)]
  const defined = named.filter(({ mask }) => mask !== undefined)
  if (defined.length === 0) return null
  return [...new Set([...defined.flatMap(({ mask = [] }) => mask), ...personal])]
}
