import type { CommandSpec, OptionSpec } from './command.ts'
import { exitCodes } from './exit-code.ts'
import { everywhere, ofServices } from './general-options.ts'

/** The help that `estafet` alone shows: one screen. */
export function overview(commands: readonly CommandSpec[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  return [
    'estafet: sees and puts right what services do with their events',
    '',
    'Examples',
    '  estafet status                                  are the services well?',
    '  estafet tail -f --type order.placed             what is published, as it comes',
    '  estafet dead-letters groups                     what failed, and why',
    '  estafet dead-letters redrive --type order.placed --yes',
    '',
    'Commands',
    ...commands.map(({ name, says }) => `  ${name.padEnd(width)}  ${says}`),
    '',
    `Services are found by --url, --connect, ESTAFET_URL, ESTAFET_CONNECT or .estafet/ops.json; the token by`,
    'ESTAFET_TOKEN or --token-file. Commands that need a database take its URL from ESTAFET_DATABASE_URL.',
    'estafet COMMAND --help shows examples and options; estafet help --json is all of it, for programs.',
  ].join('\n')
}

/** The help of one command, examples first. */
export function commandHelp(command: CommandSpec): string {
  const asks = command.reaches === 'services' || command.reaches === 'both'
  return [
    `${command.says}.`,
    ...(command.more === undefined ? [] : ['', command.more]),
    '',
    'Examples',
    ...command.examples.flatMap(({ line, says }) => [`  ${line}`, `      ${says}`]),
    '',
    `Usage: ${usageLine(command)}`,
    ...section(
      'Arguments',
      command.arguments.map(({ name, says, choices }) => [name, withChoices(says, choices)]),
    ),
    ...section('Options', optionLines(command.options)),
    ...section('Services', asks ? optionLines(ofServices) : []),
    ...section('Everywhere', optionLines(everywhere)),
    ...(command.reaches === 'database' || command.reaches === 'both'
      ? ['', 'ESTAFET_DATABASE_URL names the database; its role owns the database.']
      : []),
  ].join('\n')
}

/** A command with its arguments, as a person would write it. */
export function usageLine(command: CommandSpec): string {
  const words = command.arguments.map(({ name, isOptional, isRepeatable }) => {
    const word = isRepeatable === true ? `${name}...` : name
    return isOptional === true ? `[${word}]` : word
  })
  return ['estafet', command.name, ...words, '[options]'].join(' ')
}

/** An option with its value, as a person would write it. */
export function optionWord(name: string, { kind, short, value }: OptionSpec): string {
  const word =
    kind === 'flag'
      ? `--${name}`
      : `--${name} ${value ?? (kind === 'count' ? 'N' : kind === 'span' ? 'SPAN' : 'VALUE')}`
  return short === undefined ? word : `-${short}, ${word}`
}

/** What an option says, with all that the table knows of it. */
export function optionSays({ says, choices, isRepeatable }: OptionSpec): string {
  return `${withChoices(says, choices)}${isRepeatable === true ? '; may be repeated' : ''}`
}

/** The tree of commands as data: what `estafet help --json` holds. */
export function helpData(commands: readonly CommandSpec[]): unknown {
  return {
    commands: commands.map(({ load: _, ...spec }) => spec),
    options: { everywhere, services: ofServices },
    exitCodes: Object.values(exitCodes).toSorted((a, b) => a.code - b.code),
  }
}

function withChoices(says: string, choices: readonly string[] | undefined): string {
  return choices === undefined ? says : `${says}: ${choices.join(', ')}`
}

function optionLines(options: Readonly<Record<string, OptionSpec>>): readonly (readonly [string, string])[] {
  return Object.entries(options).map(([name, spec]) => [optionWord(name, spec), optionSays(spec)])
}

function section(title: string, lines: readonly (readonly [string, string])[]): readonly string[] {
  if (lines.length === 0) return []
  const width = Math.max(...lines.map(([word]) => word.length))
  return ['', title, ...lines.map(([word, says]) => `  ${word.padEnd(width)}  ${says}`)]
}
