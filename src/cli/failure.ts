import type { Diagnostic } from './envelope.ts'
import type { Exit } from './exit-code.ts'

/** Why a command ended without its result, with what to do about it. Never holds a payload or a secret. */
export class CommandFailure extends Error {
  readonly exit: Exit
  readonly diagnostic: Diagnostic

  constructor(exit: Exit, code: string, message: string, hint: string | null = null) {
    super(message)
    this.name = 'CommandFailure'
    this.exit = exit
    this.diagnostic = { code, severity: 'error', message, hint }
  }
}

export function usage(message: string, hint: string | null = null): CommandFailure {
  return new CommandFailure('usage', 'USAGE', message, hint)
}

export function missing(message: string, hint: string | null = null): CommandFailure {
  return new CommandFailure('missing', 'NOT_FOUND', message, hint)
}

export function refused(message: string, hint: string | null = null): CommandFailure {
  return new CommandFailure('refused', 'REFUSED', message, hint)
}

export function unreachable(message: string, hint: string | null = null): CommandFailure {
  return new CommandFailure('unreachable', 'UNAVAILABLE', message, hint)
}
