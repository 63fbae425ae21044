import { EstafetError } from './errors.ts'

/** Tells whether text can name a saga. What it asks has it as key, and whoever may write to a topic can put anything there. */
export function isSagaId(id: string): boolean {
  return id.length > 0 && id.length <= 512 && !id.includes('\u0000') && id.isWellFormed()
}

/** The error of a saga that was to begin under another text. */
export function notASagaId(): EstafetError {
  return new EstafetError('INVALID_MESSAGE', 'The id of a saga must be text of 1 to 512 well-formed characters.')
}
