import type { CommandSpec, OptionSpec } from '../command.ts'

const projection = { name: 'PROJECTION', says: 'its name, as projections list shows it' }
const reason: OptionSpec = { kind: 'text', value: 'TEXT', says: 'why, for the audit' }
const yes: OptionSpec = { kind: 'flag', says: 'do it without asking' }
const build: Readonly<Record<string, OptionSpec>> = {
  version: { kind: 'count', says: 'of the read model; must be given' },
  build: { kind: 'count', says: 'which try at this version (default: 1, the first)' },
}

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
  {
    name: 'projections promote',
    says: 'Shows another build of a read model instead of the one that serves: the way back, too',
    more: 'One that is behind, stopped or has parked messages is refused without --force.',
    arguments: [projection],
    options: {
      ...build,
      force: { kind: 'flag', says: 'also when it is behind, stopped or has parked keys' },
      reason,
      yes,
    },
    reaches: 'services',
    examples: [
      {
        line: 'estafet projections promote order-sizes --service orders --version 1 --build 1 --force --yes',
        says: 'Back to the build before.',
      },
    ],
    load: async () => (await import('../commands/projection-builds.ts')).promote,
  },
  {
    name: 'projections drop',
    says: 'Removes a build that does not serve, with its tables',
    arguments: [projection],
    options: { ...build, reason, yes },
    reaches: 'services',
    examples: [
      {
        line: 'estafet projections drop order-sizes --service orders --version 1 --build 2 --yes',
        says: 'Once nobody wants to go back to it.',
      },
    ],
    load: async () => (await import('../commands/projection-builds.ts')).drop,
  },
]
