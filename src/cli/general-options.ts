import type { CommandSpec, OptionSpec } from './command.ts'

/** Options of every command. */
export const everywhere: Readonly<Record<string, OptionSpec>> = {
  json: { kind: 'flag', says: 'write one JSON envelope a line on standard output, and nothing else' },
  help: { kind: 'flag', short: 'h', says: 'show help, with examples' },
}

/** Options of the commands that ask services. */
export const ofServices: Readonly<Record<string, OptionSpec>> = {
  url: { kind: 'text', value: 'URL', isRepeatable: true, says: 'where a service serves its ops API (or ESTAFET_URL)' },
  service: { kind: 'text', value: 'NAME', says: 'only the service of this name' },
  'token-file': {
    kind: 'text',
    value: 'FILE',
    says: 'a file that holds the token (or ESTAFET_TOKEN, the token itself)',
  },
  connect: {
    kind: 'text',
    value: 'FILE',
    says: 'a file with token and services (or ESTAFET_CONNECT; default .estafet/ops.json, here or above)',
  },
}

/** Every option that a command takes, its own first. */
export function optionsFor(command: CommandSpec): Readonly<Record<string, OptionSpec>> {
  const asks = command.reaches === 'services' || command.reaches === 'both'
  return { ...command.options, ...(asks ? ofServices : {}), ...everywhere }
}
