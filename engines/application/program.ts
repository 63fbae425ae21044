import { isEstafetError } from 'estafet'
import { UnusableSettings } from './settings.ts'

/**
 * Runs a program, whose result is the exit code. Settings that cannot be followed end it with a sentence and 2, what the
 * toolkit says of a database or a broker with its code, a sentence and 1.
 */
export async function program(run: () => Promise<number>): Promise<never> {
  try {
    process.exit(await run())
  } catch (error) {
    if (error instanceof UnusableSettings) {
      process.stderr.write(`${error.message}\n`)
      process.exit(2)
    }
    if (!isEstafetError(error)) throw error
    process.stderr.write(`${error.code}: ${error.message}\n`)
    process.exit(1)
  }
}
