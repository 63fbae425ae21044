import { parseArgs } from 'node:util'
import type { CommandSpec, OptionSpec } from './command.ts'
import { usage } from './failure.ts'
import { everywhere, ofServices, optionsFor } from './general-options.ts'
import { nearest } from './nearest.ts'
import { type Options, optionsOf } from './options.ts'

export interface Line {
  readonly command: CommandSpec
  readonly arguments: readonly string[]
  readonly options: Options
}

/** The command that a line names, wherever its options stand, and the words that are left; null when it names none. */
export function commandOf(
  words: readonly string[],
  commands: readonly CommandSpec[],
): { readonly command: CommandSpec; readonly rest: readonly string[] } | null {
  const [first, second] = namesIn(words)
  if (first === undefined) return null
  const two = second === undefined ? undefined : commands.find(({ name }) => name === `${first.word} ${second.word}`)
  const found = two ?? commands.find(({ name }) => name === first.word)
  if (found === undefined) throw unknownCommand(first.word, second?.word ?? null, commands)
  const taken = two === undefined ? [first.at] : [first.at, second?.at]
  return { command: found, rest: words.filter((_, at) => !taken.includes(at)) }
}

/** Reads what was given to a command. Throws usage failures, which name what is wrong and what may have been meant. */
export function parseLine(command: CommandSpec, rest: readonly string[]): Line {
  const specs = optionsFor(command)
  const { tokens } = parseArgs({
    args: [...rest],
    options: Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, config(spec)])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const given = new Map<string, readonly string[]>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const spec = specs[token.name]
    if (spec === undefined) throw unknownOption(token.rawName, command)
    given.set(token.name, [...(given.get(token.name) ?? []), givenValue(token, spec)])
  }
  const options = optionsOf(given)
  for (const [name, spec] of Object.entries(specs)) checkValues(name, spec, options)
  if (!options.has('help')) checkArguments(command, positionals)
  return { command, arguments: positionals, options }
}

function config(spec: OptionSpec): { type: 'boolean' | 'string'; short?: string } {
  return {
    type: spec.kind === 'flag' ? 'boolean' : 'string',
    ...(spec.short === undefined ? {} : { short: spec.short }),
  }
}

/** The first two words that are neither options nor values of options which every command knows. */
function namesIn(words: readonly string[]): readonly { readonly word: string; readonly at: number }[] {
  const found: { word: string; at: number }[] = []
  for (let at = 0; at < words.length && found.length < 2; at++) {
    const word = words[at] ?? ''
    if (word === '--') break
    if (!word.startsWith('-')) found.push({ word, at })
    else if (takesNext(word)) at += 1
    else if (found.length > 0 && !isKnown(word)) break
  }
  return found
}

function takesNext(word: string): boolean {
  const spec = { ...everywhere, ...ofServices }[word.slice(2)]
  return spec !== undefined && spec.kind !== 'flag'
}

function isKnown(word: string): boolean {
  const [name = ''] = word.slice(2).split('=')
  return word === '-h' || name in everywhere || name in ofServices
}

function givenValue(
  token: { rawName: string; value?: string | undefined; inlineValue?: boolean | undefined },
  spec: OptionSpec,
): string {
  if (spec.kind === 'flag') {
    if (token.value !== undefined) throw usage(`${token.rawName} takes no value.`)
    return ''
  }
  if (token.value === undefined)
    throw usage(`${token.rawName} needs a value: ${token.rawName} ${spec.value ?? 'VALUE'}.`)
  // An option in the place of a value was forgotten to be one; a lone dash means standard input.
  if (token.inlineValue !== true && /^-./.test(token.value)) {
    throw usage(
      `${token.rawName} needs a value. One that begins with a dash is written ${token.rawName}=${token.value}.`,
    )
  }
  return token.value
}

function checkValues(name: string, spec: OptionSpec, options: Options): void {
  const values = options.texts(name)
  if (spec.kind !== 'flag' && spec.isRepeatable !== true && values.length > 1) {
    throw usage(`--${name} can be given once.`)
  }
  if (spec.kind === 'count') options.count(name)
  if (spec.kind === 'span') options.spanMs(name)
  for (const value of spec.choices === undefined ? [] : values) checkChoice(`--${name}`, value, spec.choices ?? [])
}

function checkArguments(command: CommandSpec, given: readonly string[]): void {
  const hint = `See: estafet ${command.name} --help`
  command.arguments.forEach((argument, at) => {
    const value = given[at]
    if (value === undefined && argument.isOptional !== true) {
      throw usage(`estafet ${command.name} needs ${argument.name}: ${argument.says}.`, hint)
    }
    if (value !== undefined && argument.choices !== undefined) checkChoice(argument.name, value, argument.choices)
  })
  const last = command.arguments.at(-1)
  if (last?.isRepeatable === true || given.length <= command.arguments.length) return
  throw usage(`estafet ${command.name} does not take "${given[command.arguments.length]}".`, hint)
}

function checkChoice(what: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return
  throw usage(`${what} is one of ${choices.join(', ')}, not "${value}".`)
}

function unknownCommand(first: string, second: string | null, commands: readonly CommandSpec[]): Error {
  const below = commands.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name)
  if (below.length > 0) {
    const meant = second === null ? null : nearest(`${first} ${second}`, below)
    const what = second === null ? `"${first}" needs a command below it` : `There is no command "${first} ${second}"`
    return usage(`${what}.`, meant === null ? `There are: ${below.join(', ')}.` : `Did you mean: estafet ${meant}`)
  }
  const meant = nearest(first, [...new Set(commands.flatMap(({ name }) => [name, name.split(' ')[0] ?? name]))])
  const hint = meant === null ? 'estafet help shows what there is.' : `Did you mean: estafet ${meant}`
  return usage(`There is no command "${first}".`, hint)
}

function unknownOption(rawName: string, command: CommandSpec): Error {
  const known = Object.keys(optionsFor(command)).map((name) => `--${name}`)
  const meant = nearest(rawName, known)
  const hint = meant === null ? `See: estafet ${command.name} --help` : `Did you mean: ${meant}`
  return usage(`estafet ${command.name} has no option ${rawName}.`, hint)
}
