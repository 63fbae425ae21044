import { type Call, done, type Outcome } from '../command.ts'
import { completionScript } from '../complete.ts'
import { document } from '../document.ts'
import { envelopeSchema } from '../envelope.ts'
import { usage } from '../failure.ts'
import { commandHelp, helpData, overview } from '../help.ts'
import { nearest } from '../nearest.ts'

export async function completion(call: Call): Promise<Outcome> {
  const script = completionScript(call.arguments[0] ?? '')
  return done({ script }, script)
}

export async function help(call: Call): Promise<Outcome> {
  const { commands, options } = call
  if (options.has('schema')) return done(envelopeSchema, JSON.stringify(envelopeSchema, null, 2))
  if (options.has('markdown')) return done({ page: document(commands) }, document(commands).trimEnd())
  const name = call.arguments.join(' ')
  if (name === '') return done(helpData(commands), overview(commands))
  const chosen = commands.filter((each) => each.name === name || each.name.startsWith(`${name} `))
  const [first, second] = chosen
  if (first !== undefined) return done(helpData(chosen), second === undefined ? commandHelp(first) : overview(chosen))
  const meant = nearest(
    name,
    commands.map((each) => each.name),
  )
  throw usage(
    `There is no command "${name}".`,
    meant === null ? 'See: estafet help' : `Did you mean: estafet help ${meant}`,
  )
}
