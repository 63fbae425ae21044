import type { CommandSpec, OptionSpec } from '../command.ts'
import { shells } from '../complete.ts'

const feed = { name: 'FEED', says: 'the feed that the subscription reads, as subscriptions list shows it' }
const job = { name: 'NUMBER', says: 'the job’s number, or SERVICE/NUMBER where several services are named' }
const reason: OptionSpec = { kind: 'text', value: 'TEXT', says: 'why, for the audit' }
const yes: OptionSpec = { kind: 'flag', says: 'do it without asking' }

/** Subscriptions and the jobs that bring dead letters back. */
export const operationCommands: readonly CommandSpec[] = [
  {
    name: 'redrives list',
    says: 'Lists the jobs that try dead letters again, newest first',
    arguments: [],
    options: {},
    reaches: 'services',
    examples: [{ line: 'estafet redrives list', says: 'How far is each?' }],
    load: async () => (await import('../commands/redrives.ts')).list,
  },
  ...(['show', 'pause', 'resume', 'cancel'] as const).map(
    (action): CommandSpec => ({
      name: `redrives ${action}`,
      says: {
        show: 'Shows one job: what it has brought back and what failed again',
        pause: 'Lets a job release nothing more until it is resumed',
        resume: 'Lets a paused or stopped job go on',
        cancel: 'Ends a job; what it has not released stays a dead letter',
      }[action],
      arguments: [job],
      options: {},
      reaches: 'services',
      examples: [{ line: `estafet redrives ${action} billing/1`, says: 'The first job of billing.' }],
      load: async () => (await import('../commands/redrives.ts'))[action],
    }),
  ),
  {
    name: 'subscriptions list',
    says: 'Lists the subscriptions: where each lane stands, who works on it, who paused it',
    arguments: [],
    options: {},
    reaches: 'services',
    examples: [{ line: 'estafet subscriptions list', says: 'Of all services.' }],
    load: async () => (await import('../commands/subscriptions.ts')).list,
  },
  {
    name: 'subscriptions pause',
    says: 'Lets a subscription handle nothing until it is resumed; nothing is lost',
    arguments: [feed],
    options: { reason, yes },
    reaches: 'services',
    examples: [{ line: 'estafet subscriptions pause log:orders --service billing --yes', says: 'Before a repair.' }],
    load: async () => (await import('../commands/subscriptions.ts')).pause,
  },
  {
    name: 'subscriptions resume',
    says: 'Lets a paused subscription go on where it stood',
    arguments: [feed],
    options: { reason },
    reaches: 'services',
    examples: [{ line: 'estafet subscriptions resume log:orders --service billing', says: 'After it.' }],
    load: async () => (await import('../commands/subscriptions.ts')).resume,
  },
  {
    name: 'subscriptions replay',
    says: 'Sets a subscription back, so that it handles again what it has handled',
    more: 'Handlers take effect again, also what they publish. Shows what would come again before it does anything.',
    arguments: [feed],
    options: {
      to: { kind: 'text', value: 'POSITION', says: 'handle again what comes after this position (0: everything)' },
      since: { kind: 'text', value: 'TIME', says: 'or what comes from this time on (ISO 8601)' },
      'dry-run': { kind: 'flag', says: 'show what would come again, and do nothing' },
      reason,
      yes,
    },
    reaches: 'services',
    examples: [
      {
        line: 'estafet subscriptions replay log:orders --service billing --to 0 --dry-run',
        says: 'How many messages?',
      },
      { line: 'estafet subscriptions replay log:orders --service billing --to 0 --yes', says: 'Needs the role admin.' },
    ],
    load: async () => (await import('../commands/subscriptions.ts')).replay,
  },
  {
    name: 'audit',
    says: 'Shows what people did: who, what, to how many, when and why',
    arguments: [],
    options: { limit: { kind: 'count', says: 'at most so many of each service (default: 50)' } },
    reaches: 'services',
    examples: [{ line: 'estafet audit', says: 'Of all services, newest last.' }],
    load: async () => (await import('../commands/audit.ts')).audit,
  },
  {
    name: 'log verify',
    says: 'Proves order and completeness of a live log and of the subscriptions that read it',
    more: 'Exit 1 when something is missing, twice, or out of order.',
    arguments: [],
    options: {},
    reaches: 'services',
    examples: [{ line: 'estafet log verify', says: 'The logs of all services.' }],
    load: async () => (await import('../commands/log-verify.ts')).verify,
  },
  {
    name: 'log new-epoch',
    says: 'Begins a new epoch of a log after a restore or a failover that lost commits',
    more: 'Positions begin to mean something else: every subscriber refuses to go on until its newEpochAt says where.',
    arguments: [],
    options: {
      'dry-run': { kind: 'flag', says: 'show which epoch would end, and do nothing' },
      yes,
    },
    reaches: 'database',
    examples: [
      { line: 'estafet log new-epoch --dry-run', says: 'Which epoch is it now, and where does the log stand?' },
      { line: 'estafet log new-epoch --yes', says: 'After somebody has found out what was lost.' },
    ],
    load: async () => (await import('../commands/log-new-epoch.ts')).newEpoch,
  },
  {
    name: 'migrate status',
    says: 'Says which migrations a database has and lacks, and whether its schema was changed; exit 1 when so',
    arguments: [],
    options: {},
    reaches: 'database',
    examples: [{ line: 'estafet migrate status', says: 'Before a deployment.' }],
    load: async () => (await import('../commands/migrate.ts')).status,
  },
  {
    name: 'migrate plan',
    says: 'Prints the SQL of the migrations that a database lacks, and runs none of it',
    arguments: [],
    options: {},
    reaches: 'database',
    examples: [{ line: 'estafet migrate plan', says: 'For whoever must read it first.' }],
    load: async () => (await import('../commands/migrate.ts')).plan,
  },
  {
    name: 'migrate up',
    says: 'Applies the migrations that a database lacks, and gives roles their access; may be repeated',
    arguments: [],
    options: {
      'service-role': { kind: 'text', value: 'ROLE', isRepeatable: true, says: 'a login role of the service itself' },
      'reader-role': { kind: 'text', value: 'ROLE', isRepeatable: true, says: 'a login role that may read the log' },
      'relay-role': {
        kind: 'text',
        value: 'ROLE',
        isRepeatable: true,
        says: 'a login role that may relay into topics',
      },
      'vault-role': {
        kind: 'text',
        value: 'ROLE',
        isRepeatable: true,
        says: 'a login role that may seal and open personal fields',
      },
      'eraser-role': { kind: 'text', value: 'ROLE', isRepeatable: true, says: 'a login role that may erase persons' },
    },
    reaches: 'database',
    examples: [
      { line: 'estafet migrate up', says: 'In a deployment; two at once do it once.' },
      { line: 'estafet migrate up --service-role orders --reader-role billing', says: 'With access for two roles.' },
    ],
    load: async () => (await import('../commands/migrate.ts')).up,
  },
  {
    name: 'completion',
    says: 'Prints the script that lets a shell complete commands and options',
    arguments: [{ name: 'SHELL', says: 'the shell', choices: shells }],
    options: {},
    reaches: 'nothing',
    examples: [
      { line: 'estafet completion bash', says: 'In ~/.bashrc: eval "$(estafet completion bash)"' },
      { line: 'estafet completion zsh', says: 'In ~/.zshrc, after compinit: eval "$(estafet completion zsh)"' },
      { line: 'estafet completion fish', says: 'estafet completion fish > ~/.config/fish/completions/estafet.fish' },
    ],
    load: async () => (await import('../commands/shell.ts')).completion,
  },
  {
    name: 'help',
    says: 'Shows help: of all commands, or of one',
    arguments: [{ name: 'COMMAND', says: 'the command', isOptional: true, isRepeatable: true }],
    options: {
      schema: { kind: 'flag', says: 'the JSON Schema of what --json writes' },
      markdown: { kind: 'flag', says: 'the page docs/cli.md' },
    },
    reaches: 'nothing',
    examples: [
      { line: 'estafet help dead-letters redrive', says: 'Of one command.' },
      { line: 'estafet help --json', says: 'The whole tree of commands, for programs.' },
    ],
    load: async () => (await import('../commands/shell.ts')).help,
  },
]
