import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import { type CommandSpec, done, type Run } from '../../../src/cli/command.ts'
import { commands as table } from '../../../src/cli/commands.ts'
import { confirm } from '../../../src/cli/confirm.ts'
import { envelopeSchema } from '../../../src/cli/envelope.ts'
import { missing } from '../../../src/cli/failure.ts'
import { run } from '../../../src/cli/run.ts'
import { memoryTerminal } from './memory-terminal.ts'

const schema = z.fromJSONSchema(JSON.parse(JSON.stringify(envelopeSchema)))

function command(name: string, work: Run, options: CommandSpec['options'] = {}): CommandSpec {
  return { name, says: 'x', arguments: [], options, reaches: 'nothing', examples: [], load: async () => work }
}

const danger = { yes: { kind: 'flag', says: 'x' }, 'dry-run': { kind: 'flag', says: 'x' } } as const
const deletes: Run = async (call) => {
  const preview = { data: { count: 3 }, text: '3 would go', question: 'Discard 3' }
  return (await confirm(call, preview)) ?? done({ gone: 3 }, '3 gone')
}

const small: readonly CommandSpec[] = [
  command('status', async () => done({ is: 'well' }, 'well')),
  command('lag', async () => ({ data: { lag: 5 }, text: '5', exit: 'found', diagnostics: [] })),
  command('things show', async () => Promise.reject(missing('There is no thing 7.', 'things list shows them.'))),
  command('things discard', deletes, danger),
  command('broken', async () => Promise.reject(new TypeError('quotes {"card":"4111"}'))),
  command('tail', async (call) => {
    call.emit({ n: 1 }, 'one')
    call.emit({ n: 2 }, 'two')
    return { data: null, text: '', exit: 'ok', diagnostics: [], isStream: true }
  }),
]

async function ran(
  line: string,
  answers: readonly string[] | null = null,
  commands: readonly CommandSpec[] = small,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const { terminal, written } = memoryTerminal(answers)
  const code = await run(line.split(' ').filter(Boolean), {
    ...{ commands, terminal, env: {}, cwd: '/' },
    ...{ version: async () => '1.2.3', signal: new AbortController().signal },
  })
  return { code, ...written }
}

test('data goes to standard output, and the exit code says how it ended', async () => {
  assert.deepEqual(await ran('status'), { code: 0, out: 'well\n', err: '' })
  assert.deepEqual(await ran('lag'), { code: 1, out: '5\n', err: '' })
  assert.deepEqual(await ran('--version'), { code: 0, out: '1.2.3\n', err: '' })
})

test('what failed is said on error output, with what to do next', async () => {
  const expected = 'NOT_FOUND: There is no thing 7.\n  things list shows them.\n'
  assert.deepEqual(await ran('things show'), { code: 4, out: '', err: expected })
})

test('whatever a command writes can do nothing to a terminal; colour comes after that', async () => {
  const bad = '\u001b]0;title\u0007\u202e'
  const escaped = '\\u001b]0;title\\u0007\\u202e'
  const careless: readonly CommandSpec[] = [
    command('status', async () => ({ ...done(null, bad), colour: (text) => `\u001b[31m${text}` })),
    command('tail', async (call) => {
      call.emit(null, bad)
      call.terminal.err(bad)
      return { data: null, text: '', exit: 'ok', diagnostics: [], isStream: true }
    }),
  ]
  assert.deepEqual(await ran('status', null, careless), { code: 0, out: `\u001b[31m${escaped}\n`, err: '' })
  assert.deepEqual(await ran('tail', null, careless), { code: 0, out: `${escaped}\n`, err: escaped })
})

test('a fault of our own is named without its text, which may quote a message', async () => {
  const { code, out, err } = await ran('broken')
  assert.equal(code, 70)
  assert.match(err, /^FAULT: A fault of estafet itself: TypeError at /)
  assert.doesNotMatch(out + err, /4111/)
})

test('with --json standard output holds envelopes of the schema and nothing else, whatever happens', async () => {
  const lines = [
    'status',
    'lag',
    'things show',
    'things discard',
    'broken',
    'tail',
    'stauts',
    'status --nope',
    'things',
    '',
  ]
  for (const line of lines) {
    for (const whole of [`--json ${line}`, `${line} --json`]) {
      const { out, err } = await ran(whole)
      assert.equal(err, '', whole)
      const written = out.trimEnd().split('\n')
      for (const each of written) assert.ok(schema.safeParse(JSON.parse(each)).success, `${whole}: ${each}`)
      assert.equal(written.length, line === 'tail' ? 2 : 1, whole)
    }
  }
  assert.equal(
    schema.safeParse({ schema: 'estafet.cli/v2', command: '', status: 'ok', data: 1, diagnostics: [] }).success,
    false,
  )
})

test('the status of an envelope follows the exit code', async () => {
  const statusOf = async (line: string): Promise<unknown> => JSON.parse((await ran(line)).out).status
  assert.equal(await statusOf('status --json'), 'ok')
  assert.equal(await statusOf('lag --json'), 'fail')
  assert.equal(await statusOf('things show --json'), 'error')
})

test('a wrong line says what is wrong and what may have been meant, and exits with 2', async () => {
  const wrong = [
    ['stauts', /There is no command "stauts".\n {2}Did you mean: estafet status/],
    ['things', /"things" needs a command below it.\n {2}There are: things show, things discard/],
    ['things shw', /Did you mean: estafet things show/],
    ['things discard --yess', /no option --yess.\n {2}Did you mean: --yes/],
    ['status now', /does not take "now"/],
    ['status --json=1', /--json takes no value/],
  ] as const
  for (const [line, says] of wrong) {
    const { code, out, err } = await ran(line)
    assert.equal(code, 2, line)
    assert.equal(`${out}${err}`.match(says)?.length, 1, `${line}: ${out}${err}`)
  }
})

test('what destroys is previewed and refused without --yes where nobody can be asked, naming the flag', async () => {
  const { code, out, err } = await ran('things discard')
  assert.deepEqual({ code, out }, { code: 6, out: '3 would go\n' })
  assert.match(err, /REFUSED: Nothing was done: Discard 3 only with --yes\./)
  const { data, status } = JSON.parse((await ran('things discard --json', ['y'])).out)
  assert.deepEqual({ data, status }, { data: { count: 3 }, status: 'error' })
})

test('--dry-run previews without an error, --yes does it without asking', async () => {
  assert.deepEqual(await ran('things discard --dry-run'), { code: 0, out: '3 would go\n', err: '' })
  assert.deepEqual(await ran('things discard --dry-run --yes'), { code: 0, out: '3 would go\n', err: '' })
  assert.deepEqual(await ran('things discard --yes'), { code: 0, out: '3 gone\n', err: '' })
})

test('on a terminal a person is asked, and only yes is yes', async () => {
  assert.deepEqual(await ran('things discard', ['y']), {
    code: 0,
    out: '3 gone\n',
    err: '3 would go\nDiscard 3? [y/N] ',
  })
  for (const answer of [['n'], [''], ['yep'], []]) {
    const { code, out } = await ran('things discard', answer)
    assert.deepEqual({ code, out }, { code: 6, out: '' })
  }
})

test('Ctrl-C ends with 130, whatever the command made of it', async () => {
  const interrupted = new AbortController()
  const commands = [
    command('good', async () => done(null, 'so far')),
    command('bad', async () => Promise.reject(new Error('aborted'))),
  ]
  interrupted.abort()
  for (const name of ['good', 'bad']) {
    const { terminal } = memoryTerminal()
    const around = { commands, terminal, env: {}, cwd: '/', version: async () => '', signal: interrupted.signal }
    assert.equal(await run([name], around), 130)
  }
})

test('options may stand anywhere, and a value that begins with a dash needs an equals sign', async () => {
  for (const line of ['help --json status', '--json help status', 'help status --json']) {
    const { code, out } = await ran(line, null, table)
    assert.deepEqual({ code, command: JSON.parse(out).command }, { code: 0, command: 'help' }, line)
  }
  const { code, err } = await ran('tail --type --payload', null, table)
  assert.equal(code, 2)
  assert.match(err, /--type needs a value.*--type=--payload/)
})
