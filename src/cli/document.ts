import type { CommandSpec, OptionSpec } from './command.ts'
import { exitCodes } from './exit-code.ts'
import { everywhere, ofServices } from './general-options.ts'
import { optionSays, optionWord, usageLine } from './help.ts'

/** The page docs/cli.md, made from the table of commands: `estafet help --markdown > docs/cli.md`. */
export function document(commands: readonly CommandSpec[]): string {
  const lines = [
    '# Command line',
    '',
    '`estafet help --markdown` writes this page; a test keeps it equal to the commands.',
    '',
    '`estafet` is a client of the ops API that each service serves; only `migrate`, `log new-epoch`, `streams copy` and the part',
    'of `doctor` that looks at a database reach one, by `ESTAFET_DATABASE_URL`, and need the package `pg` beside this one.',
    '`contracts` reaches neither. It runs a module of yours ([guides/contracts.md](guides/contracts.md)), and so does',
    '`streams copy` ([guides/versioning.md](guides/versioning.md)).',
    '',
    'In a clone of the repository it runs as `node --conditions=estafet-source src/cli/main.ts`, and after `npm run build` as',
    '`npm exec estafet`.',
    '',
    '## Where the services are',
    '',
    'The first that is given counts: `--url`, `--connect FILE`, `ESTAFET_URL` (with commas between several), `ESTAFET_CONNECT`,',
    'then `.estafet/ops.json` in the working directory or above. Such a file belongs to one user, with mode 0600, and holds:',
    '',
    '```json',
    '{ "token": "...", "services": { "orders": "http://127.0.0.1:4001", "billing": "http://127.0.0.1:4002" } }',
    '```',
    '',
    'The token is in `ESTAFET_TOKEN`, in the file of `--token-file`, or in that file; never on the command line, where other',
    'users of the machine can see it. A command asks all services that are named and puts the answers together; `--service`',
    'picks one. What acts on one service refuses to guess which.',
    '',
    'A `.estafet/ops.json` that was found, not named, gets `ESTAFET_TOKEN` only when all its addresses are loopback ones:',
    'otherwise the command exits with 2, and `--connect FILE` names the file.',
    '',
    ...table(['option of services', 'what it says'], optionRows(ofServices)),
    '',
    ...table(['option of every command', 'what it says'], optionRows(everywhere)),
    '',
    '## Before it changes anything',
    '',
    'What changes or ends something shows first what it would do, and to how many. On a terminal it then asks; elsewhere it',
    'does nothing and exits with 6, unless `--yes` is given. `--dry-run` shows the same and exits with 0. When the number is',
    'another by the time it acts, nothing is done. When one of the dead letters named by number is not there, `discard` and',
    '`redrive` do nothing and exit with 4.',
    '',
    '## For programs',
    '',
    'With `--json` standard output holds envelopes of one line each and nothing else, streams one for each item:',
    '',
    '```json',
    '{ "schema": "estafet.cli/v1", "command": "dead-letters.groups", "status": "ok", "data": [], "diagnostics": [] }',
    '```',
    '',
    '`status` is `ok` (exit code 0), `fail` (1 and 5: it ran, and something is wrong) or `error`. `estafet help --schema` prints',
    'the JSON Schema, `estafet help --json` the tree of commands. What is said to people goes to standard error.',
    '',
    ...table(
      ['exit code', 'means'],
      Object.values(exitCodes)
        .toSorted((a, b) => a.code - b.code)
        .map(({ code, means }) => [String(code), means]),
    ),
    '',
    'Diagnostics have the codes of [errors.md](errors.md), or one of the command line’s own: `USAGE`, `NOT_FOUND`, `REFUSED`,',
    '`TIMEOUT`, `INTERRUPTED`, `PARTIAL`, `LAG`, `LOG_FAULT`, `CONTRACT_BROKEN`, `CONTRACT_OUTDATED`, `COPY_REFUSED`,',
    '`COPY_BEHIND`, `COPY_DIFFERS`, `FAULT`; those of the ops API come as it gives them.',
    '',
    '## Commands',
    ...commands.flatMap(section),
  ]
  return `${lines.join('\n')}\n`
}

function section(command: CommandSpec): readonly string[] {
  const options = optionRows(command.options)
  return [
    '',
    `### ${command.name}`,
    '',
    `${command.says}.${command.more === undefined ? '' : ` ${command.more}`}`,
    '',
    '```sh',
    ...command.examples.flatMap(({ line, says }) => [`# ${says}`, line]),
    '```',
    '',
    `\`${usageLine(command)}\``,
    ...(command.arguments.length === 0 ? [] : ['']),
    ...table(
      ['argument', 'what it is'],
      command.arguments.map(({ name, says, choices }) => [
        name,
        choices === undefined ? says : `${says}: ${choices.join(', ')}`,
      ]),
    ),
    ...(options.length === 0 ? [] : ['']),
    ...table(['option', 'what it says'], options),
  ]
}

function optionRows(options: Readonly<Record<string, OptionSpec>>): readonly (readonly string[])[] {
  return Object.entries(options).map(([name, spec]) => [`\`${optionWord(name, spec)}\``, optionSays(spec)])
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return []
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)]
}
