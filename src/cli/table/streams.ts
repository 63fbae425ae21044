import type { CommandSpec } from '../command.ts'

const stream = [
  { name: 'TYPE', says: 'the type of the stream, as its decider is named' },
  { name: 'ID', says: 'the id of the stream' },
]

/** The service's own events, and what they made of a thing at any time. */
export const streamCommands: readonly CommandSpec[] = [
  {
    name: 'streams read',
    says: 'Shows the events of one stream, in order',
    arguments: stream,
    options: {
      after: { kind: 'count', says: 'begin after this version (default: 0, the beginning)' },
      limit: { kind: 'count', says: 'at most so many (default: 100)' },
      payload: { kind: 'flag', says: 'show payloads, too, masked as the events say' },
    },
    reaches: 'services',
    examples: [
      { line: 'estafet streams read order A-1 --service orders', says: 'What happened to one order.' },
      {
        line: 'estafet streams read order A-1 --service orders --after 1 --limit 1 --payload',
        says: 'Its second event, with what it holds.',
      },
    ],
    load: async () => (await import('../commands/streams-read.ts')).read,
  },
  {
    name: 'streams state',
    says: 'Shows what its events made of a stream, as it is or as it was',
    more: 'Needs a token for payloads; what the decider masks is for administrators.',
    arguments: stream,
    options: {
      version: { kind: 'count', says: 'as it was after this event; 0: before the first' },
      time: { kind: 'text', value: 'TIME', says: 'as it was at this time (ISO 8601)' },
    },
    reaches: 'services',
    examples: [
      { line: 'estafet streams state order A-1 --service orders', says: 'As it is.' },
      { line: 'estafet streams state order A-1 --service orders --version 2', says: 'As its second event left it.' },
      {
        line: 'estafet streams state order A-1 --service orders --time 2026-01-31T08:00:00Z',
        says: 'As it was that morning; version 0 when there was none yet.',
      },
    ],
    load: async () => (await import('../commands/streams-state.ts')).state,
  },
  {
    name: 'streams diff',
    says: 'Shows what changed in a stream between two versions',
    more: 'Of a value that is hidden from the token it says that it changed, and nothing more.',
    arguments: stream,
    options: {
      from: { kind: 'count', says: 'the version before (default: the one before the other)' },
      to: { kind: 'count', says: 'the version after (default: the last)' },
    },
    reaches: 'services',
    examples: [
      { line: 'estafet streams diff order A-1 --service orders', says: 'What the last event changed.' },
      { line: 'estafet streams diff order A-1 --service orders --from 1 --to 3', says: 'What two events changed.' },
    ],
    load: async () => (await import('../commands/streams-diff.ts')).diff,
  },
  {
    name: 'streams blame',
    says: 'Shows which event last changed a value of a stream',
    more: 'Exit 4 when none did. Within a value that is hidden from the token it tells of that value as a whole.',
    arguments: stream,
    options: {
      path: {
        kind: 'text',
        value: 'POINTER',
        says: 'JSON pointer of the value, such as /items/0/price (default: anything)',
      },
    },
    reaches: 'services',
    examples: [
      {
        line: 'estafet streams blame order A-1 --service orders --path /items/0/price',
        says: 'Since when the price is what it is, and because of which request.',
      },
    ],
    load: async () => (await import('../commands/streams-blame.ts')).blame,
  },
  {
    name: 'streams copy',
    says: 'Copies streams into streams of another type, as a module says, and verifies them',
    more: 'The old streams stay. It can be stopped, and goes on where the copies end. Exit 1 when copies are wrong or not whole.',
    arguments: [],
    options: {
      module: { kind: 'text', value: 'FILE', says: 'the module that exports the copy; it is run (default: copy.ts)' },
      close: {
        kind: 'flag',
        says: 'end each old stream with StreamMoved, in the transaction of its last copies: nobody appends to it any more',
      },
      'verify-only': { kind: 'flag', says: 'compare the copies that are there, and write nothing' },
      'dry-run': { kind: 'flag', says: 'apply the transformation to all streams, and write nothing' },
      yes: { kind: 'flag', says: 'do it without asking' },
    },
    reaches: 'database',
    examples: [
      {
        line: 'estafet streams copy --module copy.ts --dry-run',
        says: 'What would come of it, and what would be dropped.',
      },
      {
        line: 'estafet streams copy --module copy.ts --yes',
        says: 'While the service works; again, for what was added.',
      },
      { line: 'estafet streams copy --module copy.ts --close --yes', says: 'The last time: the old streams end here.' },
      {
        line: 'estafet streams copy --module copy.ts --verify-only --json',
        says: 'Are the copies right? For programs.',
      },
    ],
    load: async () => (await import('../commands/streams-copy.ts')).copy,
  },
]
