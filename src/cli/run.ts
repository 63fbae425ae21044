import type { Call, CommandSpec, Outcome, Run } from './command.ts'
import { complete } from './complete.ts'
import { type Diagnostic, envelope, envelopeLine } from './envelope.ts'
import { type Exit, exitCodes } from './exit-code.ts'
import { CommandFailure } from './failure.ts'
import { commandHelp, overview } from './help.ts'
import { commandOf, type Line, parseLine } from './parse.ts'
import { safeLines, safeText } from './safe-text.ts'
import type { Terminal } from './terminal.ts'

/** What a run of the command line is given of its process. */
export interface Surroundings {
  readonly commands: readonly CommandSpec[]
  readonly terminal: Terminal
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly version: () => Promise<string>
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
}

/** Runs the line `words`, those after `estafet`, and gives the exit code. Writes all there is to say; never throws. */
export async function run(words: readonly string[], around: Surroundings): Promise<number> {
  const { commands, terminal } = around
  if (words[0] === '__complete') {
    terminal.out(
      complete(words.slice(1), commands)
        .map((word) => `${word}\n`)
        .join(''),
    )
    return 0
  }
  // Known before the line is read: what is wrong with the line must be said as it was asked for.
  const isJson = (words.includes('--') ? words.slice(0, words.indexOf('--')) : words).includes('--json')
  const says = speaker(terminal, isJson)
  let name = ''
  try {
    if (words.length === 1 && (words[0] === '--version' || words[0] === '-v')) {
      terminal.out(`${await around.version()}\n`)
      return 0
    }
    const line = lineOf(words, commands)
    if (typeof line === 'string') {
      says.outcome('help', { data: { text: line }, text: line, exit: 'ok', diagnostics: [] })
      return 0
    }
    name = line.command.name
    const work = await line.command.load()
    return says.outcome(name, await perform(work, callOf(line, around, says.emit(name))))
  } catch (error) {
    return says.failure(name, error, around.signal)
  }
}

/** The line as read, or the help that it asks for. */
function lineOf(words: readonly string[], commands: readonly CommandSpec[]): Line | string {
  const asksHelp = words.includes('--help') || words.includes('-h')
  const [group = ''] = words
  const below = commands.filter(({ name }) => name.startsWith(`${group} `))
  if (asksHelp && below.length > 0 && !commands.some(({ name }) => name === words.slice(0, 2).join(' '))) {
    return overview(below)
  }
  const found = commandOf(words, commands)
  if (found === null) return overview(commands)
  const line = parseLine(found.command, found.rest)
  return line.options.has('help') ? commandHelp(line.command) : line
}

async function perform(work: Run, call: Call): Promise<Outcome> {
  const outcome = await work(call)
  if (!call.signal.aborted) return outcome
  return { ...outcome, exit: 'interrupted' }
}

function callOf(line: Line, around: Surroundings, emit: Call['emit']): Call {
  const { commands, env, cwd, signal } = around
  const terminal: Terminal = {
    ...around.terminal,
    // It changes while a command runs.
    get width() {
      return around.terminal.width
    },
    err: (text) => around.terminal.err(safeLines(text)),
    progress: (line) => around.terminal.progress(safeText(line)),
  }
  return { commands, terminal, env, cwd, signal, emit, arguments: line.arguments, options: line.options }
}

interface Speaker {
  emit(name: string): Call['emit']
  outcome(name: string, outcome: Outcome): number
  failure(name: string, error: unknown, signal: AbortSignal): number
}

/**
 * Writes outcomes: data on standard output, the rest on error output; with --json envelopes only. Here all text is
 * escaped for the terminal, so that no command can forget it.
 */
function speaker(terminal: Terminal, isJson: boolean): Speaker {
  const write = (name: string, exit: Exit, data: unknown, diagnostics: readonly Diagnostic[]): void =>
    terminal.out(`${envelopeLine(envelope(name, exit, data, diagnostics))}\n`)
  const end = (name: string, outcome: Outcome): number => {
    const { exit, data, text, diagnostics, isStream = false, colour = asItIs } = outcome
    if (isJson && (!isStream || exit !== 'ok')) write(name, exit, data, diagnostics)
    if (!isJson) {
      if (text !== '' && !isStream) terminal.out(`${colour(safeLines(text))}\n`)
      for (const each of diagnostics) terminal.err(diagnosticText(each))
    }
    return exitCodes[exit].code
  }
  return {
    emit: (name) => (data, text) => {
      if (isJson) write(name, 'ok', data, [])
      else terminal.out(`${safeLines(text)}\n`)
    },
    outcome: end,
    failure(name, error, signal) {
      const { exit, diagnostic } = failureOf(error, signal)
      return end(name, { data: null, text: '', exit, diagnostics: [diagnostic] })
    },
  }
}

function asItIs(text: string): string {
  return text
}

/** Every failure as a diagnostic. A fault of our own is named by its class only: its text may quote what it met. */
function failureOf(error: unknown, signal: AbortSignal): { readonly exit: Exit; readonly diagnostic: Diagnostic } {
  if (error instanceof CommandFailure) return error
  if (signal.aborted) {
    const diagnostic = { code: 'INTERRUPTED', severity: 'error', message: 'Interrupted.', hint: null } as const
    return { exit: 'interrupted', diagnostic }
  }
  const place =
    error instanceof Error
      ? (error.stack
          ?.split('\n')
          .find((each) => each.includes(' at '))
          ?.trim() ?? '')
      : ''
  const message = `A fault of estafet itself: ${error instanceof Error ? error.name : typeof error} ${place}`.trim()
  return { exit: 'fault', diagnostic: { code: 'FAULT', severity: 'error', message, hint: 'Please report this line.' } }
}

function diagnosticText({ severity, code, message, hint }: Diagnostic): string {
  const head = severity === 'error' ? `${code}: ` : severity === 'warning' ? 'warning: ' : ''
  const next = hint === null ? '' : `\n  ${hint.split('\n').map(safeText).join('\n  ')}`
  return `${head}${safeText(message)}${next}\n`
}
