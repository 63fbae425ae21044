import type { Call, Outcome } from './command.ts'
import { safeLines } from './safe-text.ts'

/** What a command is about to do. */
export interface Preview {
  /** Of the envelope, when it is not done. */
  readonly data: unknown
  /** Says what would be done, and to how many. */
  readonly text: string
  /** Without a question mark. */
  readonly question: string
  /** Nothing would be done: it need not be asked. */
  readonly isEmpty?: boolean
}

/**
 * Lets a person see what is about to be done, and asks unless --yes was given. Null: go on. Otherwise the outcome of not
 * doing it: with --dry-run that is what was wanted, without a terminal it is a refusal that names --yes.
 */
export async function confirm(call: Call, preview: Preview): Promise<Outcome | null> {
  const { options, terminal } = call
  const { data, text, isEmpty = false } = preview
  if (options.has('dry-run') || isEmpty) return { data, text, exit: 'ok', diagnostics: [] }
  if (options.has('yes')) return null
  const canAsk = terminal.isInteractive && !options.has('json')
  if (canAsk) {
    terminal.err(`${safeLines(text)}\n`)
    const answer = await terminal.ask(`${safeLines(preview.question)}? [y/N] `, call.signal)
    if (answer !== null && /^y(es)?$/i.test(answer.trim())) return null
  }
  const message = canAsk ? 'Nothing was done.' : `Nothing was done: ${preview.question} only with --yes.`
  const hint = canAsk ? null : 'Add --yes to do it, or --dry-run to see it without an error.'
  return {
    data,
    text: canAsk ? '' : text,
    exit: call.signal.aborted ? 'interrupted' : 'refused',
    diagnostics: [{ code: 'REFUSED', severity: 'error', message, hint }],
  }
}
