import type { CommandSpec, OptionSpec } from '../command.ts'

const projection = { name: 'PROJECTION', says: 'its name, as projections list shows it' }
const reason: OptionSpec = { kind: 'text', value: 'TEXT', says: 'why, for the audit' }
const yes: OptionSpec = { kind: 'flag', says: 'do it without asking' }

/** Read models: what serves, how far it is, and what people do about it. */
export const projectionCommands: readonly CommandSpec[] = [
  {
    name: 'projections list',
    says: 'Lists the read models: which build serves, how far each is, and where it stands still',
    more: 'Exit 1 when one is stopped, has parked messages, or does not pass its check.',
    arguments: [],
    options: {},
    reaches: 'services',
    examples: [{ line: 'estafet projections list', says: 'Of all services.' }],
    load: async () => (await import('../commands/projections.ts')).list,
  },
  {
    name: 'projections rebuild',
    says: 'Builds the version that serves again, beside it, and switches when it has caught up',
    arguments: [projection],
    options: { reason, yes },
    reaches: 'services',
    examples: [
      {
        line: 'estafet projections rebuild order-sizes --service orders --reason "a row was lost" --yes',
        says: 'After verify found a difference.',
      },
    ],
    load: async () => (await import('../commands/projections.ts')).rebuild,
  },
  {
    name: 'projections pause',
    says: 'Lets a read model stand where it is; nothing is lost',
    arguments: [projection],
    options: { reason },
    reaches: 'services',
    examples: [{ line: 'estafet projections pause order-sizes --service orders', says: 'Before a repair.' }],
    load: async () => (await import('../commands/projections.ts')).pause,
  },
  {
    name: 'projections resume',
    says: 'Lets a paused read model go on',
    arguments: [projection],
    options: { reason },
    reaches: 'services',
    examples: [{ line: 'estafet projections resume order-sizes --service orders', says: 'After it.' }],
    load: async () => (await import('../commands/projections.ts')).resume,
  },
  {
    name: 'projections verify',
    says: 'Folds the events of a read model again and compares row by row',
    more: 'Exit 1 when it differs. It reads one snapshot and writes nothing that stays.',
    arguments: [projection],
    options: {},
    reaches: 'services',
    examples: [
      { line: 'estafet projections verify order-sizes --service orders', says: 'Is it what its events make it?' },
    ],
    load: async () => (await import('../commands/projections.ts')).verify,
  },
]
