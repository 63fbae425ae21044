import type { CommandSpec, OptionSpec } from '../command.ts'

const module: OptionSpec = {
  kind: 'text',
  value: 'FILE',
  says: 'the module that exports the contracts; it is run (default: contracts.ts)',
}

export const contractCommands: readonly CommandSpec[] = [
  {
    name: 'contracts generate',
    says: 'Writes contracts, AsyncAPI documents and samples of the services that a module defines',
    more: 'When a change would break somebody it writes nothing and exits with 6. Samples never change once written.',
    arguments: [],
    options: {
      module,
      out: { kind: 'text', value: 'FOLDER', says: 'where they are kept (default: contracts)' },
      'accept-breaks': { kind: 'flag', says: 'record also what breaks somebody' },
    },
    reaches: 'nothing',
    examples: [
      { line: 'estafet contracts generate', says: 'After a change that is meant; commit what it wrote.' },
      {
        line: 'estafet contracts generate --module ./contracts.ts --out contracts',
        says: 'The same, with its defaults told.',
      },
    ],
    load: async () => (await import('../commands/contracts.ts')).generate,
  },
  {
    name: 'contracts check',
    says: 'Says which change of an event breaks whom, compared with the contracts that were committed',
    more: 'Exit 1 when one does. It also runs upcasts and handlers of today over the samples.',
    arguments: [],
    options: {
      module,
      against: { kind: 'text', value: 'FOLDER', says: 'where the contracts are kept (default: contracts)' },
      current: { kind: 'flag', says: 'exit 1 also when the files are not what generate would write' },
    },
    reaches: 'nothing',
    examples: [
      { line: 'estafet contracts check', says: 'Before a commit.' },
      { line: 'estafet contracts check --current', says: 'In CI: nothing may break, or go unrecorded.' },
    ],
    load: async () => (await import('../commands/contracts.ts')).check,
  },
]
