import { EstafetError } from '../message/errors.ts'
import type { Asker } from './saga-end.ts'

/** The longest id that leaves room for the names of steps, and of sagas in sagas. */
const longestId = 200
const subSagaPrefix = '~'

/** The id of a saga that answers a step: nobody can name another one by it. */
export function subSagaId({ type, step }: Pick<Asker, 'type' | 'step'>): string {
  return `${subSagaPrefix}${type} ${step}`
}

/** Throws INVALID_MESSAGE for an id that a saga cannot begin under. */
export function refuseId(id: string): void {
  const isOwn = id.length > 0 && id.length <= longestId && !id.startsWith(subSagaPrefix)
  if (isOwn && id.isWellFormed() && !/\p{Cc}/u.test(id)) return
  throw new EstafetError(
    'INVALID_MESSAGE',
    `The id of a saga must be 1 to ${longestId} well-formed characters, without control characters and not beginning with ${subSagaPrefix}.`,
  )
}
