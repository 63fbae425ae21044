import type { Diagnostic } from './envelope.ts'
import type { Exit } from './exit-code.ts'
import type { Options } from './options.ts'
import type { Terminal } from './terminal.ts'

/** An option as the table has it; its name, without the dashes, is its key there. */
export interface OptionSpec {
  /** flag: takes no value. count: a whole number. span: a span of time such as 30s. */
  readonly kind: 'flag' | 'text' | 'count' | 'span'
  readonly says: string
  /** What help calls the value. */
  readonly value?: string
  readonly short?: string
  readonly isRepeatable?: boolean
  readonly choices?: readonly string[]
}

export interface ArgumentSpec {
  readonly name: string
  readonly says: string
  readonly isOptional?: boolean
  readonly isRepeatable?: boolean
  readonly choices?: readonly string[]
}

export interface ExampleSpec {
  /** The whole line. A test runs it. */
  readonly line: string
  readonly says: string
}

/** One command: help, `help --json`, completion, docs/cli.md and the test of the examples are made from this. */
export interface CommandSpec {
  /** One or two words. */
  readonly name: string
  /** One sentence. */
  readonly says: string
  /** What else a person must know. */
  readonly more?: string
  readonly arguments: readonly ArgumentSpec[]
  readonly options: Readonly<Record<string, OptionSpec>>
  /** services: of those named by --url and the like. database: of the one that ESTAFET_DATABASE_URL names. */
  readonly reaches: 'services' | 'database' | 'both' | 'nothing'
  readonly examples: readonly ExampleSpec[]
  /** Loads what runs it, and nothing before it is to run: help must come at once. */
  readonly load: () => Promise<Run>
}

export type Run = (call: Call) => Promise<Outcome>

/** One call of a command: what it was given, and its ways out. */
export interface Call {
  readonly commands: readonly CommandSpec[]
  readonly arguments: readonly string[]
  readonly options: Options
  readonly terminal: Terminal
  readonly env: Readonly<Record<string, string | undefined>>
  /** The working directory. */
  readonly cwd: string
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  /** Writes one item of a stream now: its text, or an envelope of its own with --json. */
  emit(data: unknown, text: string): void
}

export interface Outcome {
  /** Of the envelope. */
  readonly data: unknown
  /** For people, without a line feed at its end. Empty: nothing is written. What could act on a terminal is escaped. */
  readonly text: string
  /** Colours the text after it was escaped. */
  readonly colour?: (text: string) => string
  readonly exit: Exit
  readonly diagnostics: readonly Diagnostic[]
  /** Everything was emitted: nothing is left to write but diagnostics. */
  readonly isStream?: boolean
}

/** An outcome without fault. */
export function done(data: unknown, text: string, diagnostics: readonly Diagnostic[] = []): Outcome {
  return { data, text, exit: 'ok', diagnostics }
}
