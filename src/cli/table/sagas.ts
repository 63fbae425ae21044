import type { CommandSpec, OptionSpec } from '../command.ts'

const id = { name: 'ID', says: 'of the saga, as sagas list shows it' }
const step = { name: 'STEP', says: 'name of the step, as sagas show shows it' }

/** What changes a saga says first how it stands and what would be done. */
const steering: Readonly<Record<string, OptionSpec>> = {
  reason: { kind: 'text', value: 'TEXT', says: 'why, for the audit; must be given' },
  'dry-run': { kind: 'flag', says: 'show what would be done, and do nothing' },
  yes: { kind: 'flag', says: 'do it without asking' },
  'request-id': { kind: 'text', value: 'ID', says: 'does it once, however often it is asked with this id' },
}

/** Sagas: how each stands, why it waits, and what a person can do about it. */
export const sagaCommands: readonly CommandSpec[] = [
  {
    name: 'sagas list',
    says: 'Lists sagas, the first begun first: how each stands, since when, and why it waits',
    more: 'With --stuck it exits with 1 when there are any: an alarm.',
    arguments: [],
    options: {
      type: { kind: 'text', value: 'TYPE', says: 'only sagas of this type' },
      status: {
        ...{ kind: 'text', value: 'STATUS', says: 'only those that are so' },
        choices: ['running', 'compensating', 'completed', 'compensated'],
      },
      idle: { kind: 'span', says: 'only those not at their end that did not get on for so long' },
      stuck: { kind: 'flag', says: 'only those that a person should look at' },
      limit: { kind: 'count', says: 'at most so many of each service (default: 50)' },
    },
    reaches: 'services',
    examples: [
      { line: 'estafet sagas list --stuck', says: 'In a monitor: exit 1 when a person should look.' },
      { line: 'estafet sagas list --type delivery --idle 0s', says: 'Those under way, with what they wait for.' },
    ],
    load: async () => (await import('../commands/sagas.ts')).list,
  },
  {
    name: 'sagas show',
    says: 'Shows one saga: its steps in time, why it waits, and what to type next',
    arguments: [id],
    options: { payload: { kind: 'flag', says: 'show what it holds, too, to a token that may see it' } },
    reaches: 'services',
    examples: [{ line: 'estafet sagas show delivery-1 --service orders', says: 'Why does it wait?' }],
    load: async () => (await import('../commands/sagas.ts')).show,
  },
  {
    name: 'sagas answer',
    says: 'Says by hand what came of a step; the service that was asked is not told',
    more: 'Also of local work that fails: then its result is given, and the work is not done.',
    arguments: [id, step],
    options: {
      done: { kind: 'text', value: 'JSON', says: 'it was done, and this is its result: JSON, @FILE, or -' },
      refused: { kind: 'text', value: 'NAME', says: 'it was refused, by the name of a refusal of the command' },
      cancelled: { kind: 'flag', says: 'it has no effect, and never will have' },
      ...steering,
    },
    reaches: 'services',
    examples: [
      {
        line: `estafet sagas answer delivery-1 courier --done '{"courier":7}' --reason "they phoned" --service orders --yes`,
        says: 'The answer came by another way.',
      },
    ],
    load: async () => (await import('../commands/sagas-steer.ts')).answer,
  },
  {
    name: 'sagas fire',
    says: 'Lets the time of a step have come: a rest is over, what is not answered is taken back',
    arguments: [id, step],
    options: steering,
    reaches: 'services',
    examples: [
      {
        line: 'estafet sagas fire delivery-1 courier --reason "they are closed" --service orders --yes',
        says: 'Waits for the answer no longer.',
      },
    ],
    load: async () => (await import('../commands/sagas-steer.ts')).fire,
  },
  {
    name: 'sagas retry',
    says: 'Tries now what would be tried later, and asks again what was not answered',
    arguments: [id],
    options: steering,
    reaches: 'services',
    examples: [
      { line: 'estafet sagas retry delivery-1 --reason mended --service orders --yes', says: 'After a repair.' },
    ],
    load: async () => (await import('../commands/sagas-steer.ts')).retry,
  },
  {
    name: 'sagas skip',
    says: 'Goes on with taking back as if a step had been taken back; what it did stays',
    arguments: [id, step],
    options: steering,
    reaches: 'services',
    examples: [
      {
        line: 'estafet sagas skip delivery-1 courier --reason "paid by hand" --service orders --yes',
        says: 'When a person has made up for it.',
      },
    ],
    load: async () => (await import('../commands/sagas-steer.ts')).skip,
  },
  {
    name: 'sagas compensate',
    says: 'Takes back everything that a saga did, also one that has completed',
    arguments: [id],
    options: steering,
    reaches: 'services',
    examples: [
      {
        line: 'estafet sagas compensate delivery-1 --reason "sent to the wrong town" --service orders --yes',
        says: 'It is refused after a pivot: from there a saga only goes forward.',
      },
    ],
    load: async () => (await import('../commands/sagas-steer.ts')).compensate,
  },
  {
    name: 'sagas cancel',
    says: 'Takes back everything that a saga did, and only one that still runs',
    arguments: [id],
    options: steering,
    reaches: 'services',
    examples: [
      {
        line: 'estafet sagas cancel delivery-1 --reason "the customer called" --service orders --yes',
        says: 'One that has completed meanwhile stays completed.',
      },
    ],
    load: async () => (await import('../commands/sagas-steer.ts')).cancel,
  },
]
