import type { Exit } from './exit-code.ts'
import { escapeControls } from './safe-text.ts'

export interface Diagnostic {
  /** A code of docs/errors.md, one of the ops API's refusals, or one of the command line's own: see docs/cli.md. */
  readonly code: string
  readonly severity: 'error' | 'warning' | 'info'
  readonly message: string
  /** What to do next. */
  readonly hint: string | null
}

/** What `--json` writes, one a line: the only thing on standard output then. */
export interface Envelope {
  readonly schema: 'estafet.cli/v1'
  /** With dots, such as `dead-letters.redrive`; empty when the line named no command. */
  readonly command: string
  /** ok: exit code 0. fail: 1 or 5, it ran, and something is wrong. error: it did not do what it was asked. */
  readonly status: 'ok' | 'fail' | 'error'
  readonly data: unknown
  readonly diagnostics: readonly Diagnostic[]
}

/** The JSON Schema of an envelope; `estafet help --schema` prints it. */
export const envelopeSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:estafet:cli:v1',
  title: 'What estafet --json writes, one a line',
  type: 'object',
  required: ['schema', 'command', 'status', 'data', 'diagnostics'],
  additionalProperties: false,
  properties: {
    schema: { const: 'estafet.cli/v1' },
    command: { type: 'string', pattern: '^([a-z]+(-[a-z]+)*([.][a-z]+(-[a-z]+)*)?)?$' },
    status: { enum: ['ok', 'fail', 'error'] },
    data: { description: "The command's own; null when there is none." },
    diagnostics: {
      type: 'array',
      items: {
        type: 'object',
        required: ['code', 'severity', 'message', 'hint'],
        additionalProperties: false,
        properties: {
          code: { type: 'string', pattern: '^[A-Z][A-Z0-9_]*$' },
          severity: { enum: ['error', 'warning', 'info'] },
          message: { type: 'string' },
          hint: { type: ['string', 'null'] },
        },
      },
    },
  },
} as const

export function envelope(command: string, exit: Exit, data: unknown, diagnostics: readonly Diagnostic[]): Envelope {
  return {
    schema: 'estafet.cli/v1',
    command: command.replaceAll(' ', '.'),
    status: statusOf(exit),
    data: data ?? null,
    diagnostics,
  }
}

/** One line of JSON that is also safe to show in a terminal. */
export function envelopeLine(made: Envelope): string {
  // All such characters stand inside strings, where JSON means the same by their escapes.
  return escapeControls(JSON.stringify(made))
}

function statusOf(exit: Exit): Envelope['status'] {
  if (exit === 'ok') return 'ok'
  return exit === 'found' || exit === 'partial' ? 'fail' : 'error'
}
