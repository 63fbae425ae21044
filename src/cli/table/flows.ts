import type { CommandSpec } from '../command.ts'

/** Flows that services make by answering each other's events: what each waits for. Nobody steers them. */
export const flowCommands: readonly CommandSpec[] = [
  {
    name: 'flows list',
    says: 'Lists flows, the first seen first: what each waits for, after what, and whether that is overdue',
    more: 'With --overdue it exits with 1 when there are any: an alarm.',
    arguments: [],
    options: {
      flow: { kind: 'text', value: 'FLOW', says: 'only those of this name' },
      status: {
        ...{ kind: 'text', value: 'STATUS', says: 'only those that are so' },
        choices: ['unbegun', 'waiting', 'ended'],
      },
      overdue: { kind: 'flag', says: 'only those in which something should have happened by now' },
      limit: { kind: 'count', says: 'at most so many of each service (default: 50)' },
    },
    reaches: 'services',
    examples: [
      { line: 'estafet flows list --overdue', says: 'In a monitor: exit 1 when something should have happened.' },
      { line: 'estafet flows list --flow trip --status waiting', says: 'Those of one kind that are under way.' },
    ],
    load: async () => (await import('../commands/flows.ts')).list,
  },
  {
    name: 'flows show',
    says: 'Shows one flow: what happened in time and where, what is awaited, and what to type next',
    arguments: [
      { name: 'FLOW', says: 'name of the flow, as flows list shows it' },
      { name: 'ID', says: 'the correlation id that its events have in common' },
    ],
    options: {},
    reaches: 'services',
    examples: [{ line: 'estafet flows show trip trip-1 --service orders', says: 'What does it wait for?' }],
    load: async () => (await import('../commands/flows.ts')).show,
  },
]
