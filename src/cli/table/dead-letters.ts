import type { CommandSpec, OptionSpec } from '../command.ts'

const number = { name: 'NUMBER', says: 'the dead letter’s number, or SERVICE/NUMBER where several services are named' }

/** What picks dead letters. */
const filters: Readonly<Record<string, OptionSpec>> = {
  type: { kind: 'text', value: 'TYPE', says: 'only messages of this type' },
  key: { kind: 'text', value: 'KEY', says: 'only messages with this key' },
  handler: { kind: 'text', value: 'NAME', says: 'only those that failed in this handler' },
  fingerprint: { kind: 'text', value: 'PRINT', says: 'only failures that look alike, as groups shows them' },
  before: { kind: 'text', value: 'TIME', says: 'only those that failed before this time (ISO 8601)' },
}

/** What changes many at once: first a preview, then the same again with the count that was seen. */
const safety: Readonly<Record<string, OptionSpec>> = {
  all: { kind: 'flag', says: 'all dead letters of the service' },
  'dry-run': { kind: 'flag', says: 'show what would be done, and do nothing' },
  yes: { kind: 'flag', says: 'do it without asking' },
  reason: { kind: 'text', value: 'TEXT', says: 'why, for the audit' },
  'request-id': { kind: 'text', value: 'ID', says: 'does it once, however often it is asked with this id' },
}

const many = [{ ...number, isOptional: true, isRepeatable: true }]

/** What was given up after its tries: seeing it, and putting it right. */
export const deadLetterCommands: readonly CommandSpec[] = [
  {
    name: 'dead-letters groups',
    says: 'Groups dead letters by what looks like the same fault, the largest group first',
    arguments: [],
    options: {},
    reaches: 'services',
    examples: [{ line: 'estafet dead-letters groups', says: 'Begin here: how many, since when, of which fault.' }],
    load: async () => (await import('../commands/dead-letters.ts')).groups,
  },
  {
    name: 'dead-letters list',
    says: 'Lists dead letters, oldest first',
    arguments: [],
    options: { ...filters, limit: { kind: 'count', says: 'at most so many of each service (default: 50)' } },
    reaches: 'services',
    examples: [
      { line: 'estafet dead-letters list', says: 'The first fifty.' },
      { line: 'estafet dead-letters list --type order.placed --limit 5', says: 'Of one type.' },
    ],
    load: async () => (await import('../commands/dead-letters.ts')).list,
  },
  {
    name: 'dead-letters show',
    says: 'Shows one dead letter: the failure, every attempt, what waits behind it',
    arguments: [number],
    options: { payload: { kind: 'flag', says: 'show the payload, too, masked as the schema says' } },
    reaches: 'services',
    examples: [{ line: 'estafet dead-letters show billing/1 --payload', says: 'With what the message holds.' }],
    load: async () => (await import('../commands/dead-letters.ts')).show,
  },
  {
    name: 'dead-letters diff',
    says: 'Shows which fields an edit changed, by the number of the old message or of the new one',
    arguments: [number],
    options: {},
    reaches: 'services',
    examples: [
      {
        line: 'estafet dead-letters diff billing/1',
        says: 'Old and new value of each field; exit 4 when it was not edited.',
      },
    ],
    load: async () => (await import('../commands/dead-letters.ts')).diff,
  },
  {
    name: 'dead-letters dry-run',
    says: 'Handles a dead letter in a transaction that is rolled back, and says how it went',
    more: 'What a handler does outside its transaction does happen. Exit 1 when the handler fails.',
    arguments: [number],
    options: {
      with: {
        kind: 'text',
        value: 'PAYLOAD',
        says: 'try it with this payload, as edit would have it: JSON, @FILE, or -',
      },
    },
    reaches: 'services',
    examples: [{ line: 'estafet dead-letters dry-run billing/1', says: 'Has the fix of the handler helped?' }],
    load: async () => (await import('../commands/dead-letters-change.ts')).dryRun,
  },
  {
    name: 'dead-letters edit',
    says: 'Replaces a dead letter by one with another payload, which is tried at once; the first one is kept',
    more: 'A field that is left as *** keeps its value.',
    arguments: [number, { name: 'PAYLOAD', says: 'the new payload: JSON, @FILE, or - for standard input' }],
    options: {
      reason: { kind: 'text', value: 'TEXT', says: 'why, for the audit' },
      yes: { kind: 'flag', says: 'do it without asking' },
    },
    reaches: 'services',
    examples: [
      { line: 'estafet dead-letters edit billing/1 @fixed.json --yes', says: 'With the payload from a file.' },
    ],
    load: async () => (await import('../commands/dead-letters-change.ts')).edit,
  },
  {
    name: 'dead-letters redrive',
    says: 'Tries dead letters again, in order',
    arguments: many,
    options: {
      ...filters,
      ...safety,
      canary: { kind: 'flag', says: 'try one first; stop when it fails again' },
      rate: { kind: 'count', says: 'at most so many a second' },
      wait: { kind: 'flag', says: 'wait for the end; exit 5 when some failed again, 124 when it took too long' },
      timeout: { kind: 'span', says: 'how long --wait waits (default: 60s)' },
    },
    reaches: 'services',
    examples: [
      { line: 'estafet dead-letters redrive billing/1 --dry-run', says: 'What would be tried again?' },
      {
        line: 'estafet dead-letters redrive --service billing --type order.placed --canary --rate 50 --yes --wait',
        says: 'All of one type, one first, then fifty a second; and wait.',
      },
    ],
    load: async () => (await import('../commands/dead-letters-change.ts')).redrive,
  },
  {
    name: 'dead-letters discard',
    says: 'Gives dead letters up for good: their messages are not handled; what waits behind them goes on',
    arguments: many,
    options: { ...filters, ...safety },
    reaches: 'services',
    examples: [
      { line: 'estafet dead-letters discard --service billing --type order.placed --dry-run', says: 'How many?' },
      { line: 'estafet dead-letters discard billing/2 --reason "test data" --yes', says: 'One.' },
    ],
    load: async () => (await import('../commands/dead-letters-change.ts')).discard,
  },
  {
    name: 'dead-letters export',
    says: 'Writes dead letters with their payloads, one JSON object a line',
    arguments: [],
    options: { ...filters, output: { kind: 'text', value: 'FILE', says: 'into a file that only you can read' } },
    reaches: 'services',
    examples: [
      {
        line: 'estafet dead-letters export --service billing --output dead.jsonl',
        says: 'For import elsewhere, or to keep.',
      },
    ],
    load: async () => (await import('../commands/dead-letters-carry.ts')).exportLetters,
  },
  {
    name: 'dead-letters import',
    says: 'Takes in dead letters that export wrote; those that are there already are left alone',
    arguments: [{ name: 'FILE', says: 'the file, or - for standard input' }],
    options: {
      yes: { kind: 'flag', says: 'do it without asking' },
      reason: { kind: 'text', value: 'TEXT', says: 'why, for the audit' },
    },
    reaches: 'services',
    examples: [
      { line: 'estafet dead-letters import dead.jsonl --service billing --yes', says: 'Needs the role admin.' },
    ],
    load: async () => (await import('../commands/dead-letters-carry.ts')).importLetters,
  },
]
