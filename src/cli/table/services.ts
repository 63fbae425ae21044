import type { CommandSpec } from '../command.ts'

/** Commands that look at whole services, and the one that publishes. */
export const serviceCommands: readonly CommandSpec[] = [
  {
    name: 'status',
    says: 'Says of each service whether it is well: live, ready, lag, what is parked, dead, stuck and overdue',
    arguments: [],
    options: {
      wait: { kind: 'flag', says: 'wait until all are ready; exit 124 when they are not in time' },
      timeout: { kind: 'span', says: 'how long --wait waits (default: 60s)' },
    },
    reaches: 'services',
    examples: [
      { line: 'estafet status', says: 'One line for each process of a service; exit 1 when one is not ready.' },
      { line: 'estafet status --wait --timeout 30s', says: 'In a script that has just started them.' },
    ],
    load: async () => (await import('../commands/status.ts')).status,
  },
  {
    name: 'doctor',
    says: 'Looks for what is wrong or will be, and names the exact fix',
    more: 'With ESTAFET_DATABASE_URL it looks at that database, too. Exit 1 when something fails; warnings do not count.',
    arguments: [],
    options: {
      'lag-over': { kind: 'count', says: 'the messages of lag from which it warns (default: 1000)' },
      'database-only': { kind: 'flag', says: 'look at Node and the database, ask no service' },
    },
    reaches: 'both',
    examples: [
      { line: 'estafet doctor', says: 'Every check with ok, warn or fail, and what to do.' },
      { line: 'estafet doctor --service billing --json', says: 'One service, for a program.' },
    ],
    load: async () => (await import('../commands/doctor.ts')).doctor,
  },
  {
    name: 'lag',
    says: 'Says how far each subscription is behind the log it reads',
    arguments: [],
    options: {
      watch: { kind: 'flag', short: 'w', says: 'say it again and again, until Ctrl-C' },
      every: { kind: 'span', says: 'how often --watch says it (default: 2s)' },
      times: { kind: 'count', says: 'end --watch after so many times' },
      'fail-over': { kind: 'count', says: 'exit 1 when a subscription has more messages to go than this' },
    },
    reaches: 'services',
    examples: [
      { line: 'estafet lag', says: 'Once.' },
      { line: 'estafet lag --watch --every 500ms --times 2', says: 'Twice, half a second apart.' },
      { line: 'estafet lag --fail-over 10000', says: 'In a monitor: exit 1 when something falls behind.' },
    ],
    load: async () => (await import('../commands/lag.ts')).lag,
  },
  {
    name: 'tail',
    says: 'Shows the last messages of the services’ logs, and with -f those that come',
    more: 'Payloads are shown by --payload, to a token that may see them, masked as the schema says.',
    arguments: [],
    options: {
      follow: { kind: 'flag', short: 'f', says: 'go on with what comes, until Ctrl-C' },
      type: { kind: 'text', value: 'TYPE', says: 'only messages of this type' },
      key: { kind: 'text', value: 'KEY', says: 'only messages with this key' },
      last: { kind: 'count', says: 'begin with so many that are there already (default: 10)' },
      payload: { kind: 'flag', says: 'show payloads, too' },
      limit: { kind: 'count', says: 'end after so many messages' },
    },
    reaches: 'services',
    examples: [
      { line: 'estafet tail', says: 'The last ten of each service.' },
      {
        line: 'estafet tail -f --type order.placed --limit 3',
        says: 'Messages of one type as they come, three of them.',
      },
      { line: 'estafet tail --key A-1 --service orders --payload', says: 'What happened to one order.' },
    ],
    load: async () => (await import('../commands/tail.ts')).tail,
  },
  {
    name: 'trace',
    says: 'Follows one request through all services: what was published because of what, and what failed',
    arguments: [{ name: 'ID', says: 'a correlation id, the id of a message, or a key' }],
    options: {
      payload: { kind: 'flag', says: 'show payloads, too' },
    },
    reaches: 'services',
    examples: [
      {
        line: 'estafet trace A-1',
        says: 'All that the key A-1 set going, cause above effect; exit 4 when nothing did.',
      },
    ],
    load: async () => (await import('../commands/trace.ts')).trace,
  },
  {
    name: 'publish',
    says: 'Publishes an event of a service by hand; the service validates it as its own code would',
    arguments: [
      { name: 'TYPE', says: 'the type of the event, as the service declares it' },
      { name: 'DATA', says: 'its data: JSON, @FILE, or - for standard input' },
    ],
    options: {
      'correlation-id': { kind: 'text', value: 'ID', says: 'the request it belongs to (default: its own id)' },
      'request-id': { kind: 'text', value: 'ID', says: 'publishes once, however often it is asked with this id' },
      reason: { kind: 'text', value: 'TEXT', says: 'why, for the audit' },
      yes: { kind: 'flag', says: 'publish without asking' },
    },
    reaches: 'services',
    examples: [
      {
        line: `estafet publish order.placed '{"orderId":"A-2"}' --service orders --yes`,
        says: 'The key is taken from the data, as the event’s definition says.',
      },
      { line: 'estafet publish order.placed @order.json --service orders --yes', says: 'The data from a file.' },
    ],
    load: async () => (await import('../commands/publish.ts')).publish,
  },
]
