import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { commands } from '../../../src/cli/commands.ts'
import { complete, completionScript, shells } from '../../../src/cli/complete.ts'
import { document } from '../../../src/cli/document.ts'
import { exitCodes } from '../../../src/cli/exit-code.ts'
import { optionsFor } from '../../../src/cli/general-options.ts'
import { commandHelp, overview } from '../../../src/cli/help.ts'
import { commandOf, parseLine } from '../../../src/cli/parse.ts'
import { splitLine } from './split-line.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

test('every command has help with an example that the command line reads as that command', () => {
  assert.ok(commands.length > 25)
  for (const command of commands) {
    assert.ok(command.examples.length > 0, command.name)
    for (const { line } of command.examples) {
      const [program, ...words] = splitLine(line)
      assert.equal(program, 'estafet')
      const found = commandOf(words, commands)
      assert.equal(found?.command.name, command.name, line)
      parseLine(command, found?.rest ?? [])
      assert.ok(commandHelp(command).includes(line))
    }
    for (const name of Object.keys(optionsFor(command))) assert.ok(commandHelp(command).includes(`--${name}`))
  }
})

test('names are of one or two words, and none stands twice', () => {
  for (const { name } of commands) assert.match(name, /^[a-z]+(-[a-z]+)*( [a-z]+(-[a-z]+)*)?$/)
  const names = commands.map(({ name }) => name)
  assert.deepEqual(names, [...new Set(names)])
  // A command that is also a group could not tell its argument from a command below it.
  assert.deepEqual(
    names.filter((name) => names.some((other) => other.startsWith(`${name} `))),
    [],
  )
})

test('every command loads a function of its own', async () => {
  const loaded = await Promise.all(commands.map((command) => command.load()))
  assert.ok(loaded.every((work) => typeof work === 'function'))
  assert.equal(new Set(loaded).size, commands.length)
})

test('the first help fits a screen, and names every command', () => {
  const text = overview(commands)
  assert.ok(text.split('\n').length <= 70)
  for (const { name } of commands) assert.ok(text.includes(`  ${name}`), name)
  for (const { says } of commands) assert.doesNotMatch(says, /\.$/)
})

test('what destroys can be answered by a flag: every command that asks has --yes', () => {
  for (const path of [
    'publish',
    'dead-letters-change',
    'dead-letters-carry',
    'subscriptions',
    'log-new-epoch',
    'streams-copy',
    'sagas-steer',
  ]) {
    assert.match(readFileSync(`${root}src/cli/commands/${path}.ts`, 'utf8'), /confirm\(/)
  }
  const asking = ['publish', 'dead-letters edit', 'dead-letters redrive', 'dead-letters discard', 'dead-letters import']
  const steering = ['answer', 'fire', 'retry', 'skip', 'compensate', 'cancel'].map((verb) => `sagas ${verb}`)
  for (const name of [
    ...asking,
    ...steering,
    'subscriptions pause',
    'subscriptions replay',
    'log new-epoch',
    'streams copy',
  ]) {
    assert.ok(commands.find((each) => each.name === name)?.options['yes'] !== undefined, name)
  }
})

test('docs/cli.md is what the table of commands makes', () => {
  assert.equal(readFileSync(`${root}docs/cli.md`, 'utf8'), document(commands))
})

test('exit codes are those that scripts rely on', () => {
  const codes = Object.fromEntries(Object.entries(exitCodes).map(([name, { code }]) => [name, code]))
  assert.deepEqual(codes, {
    ...{ ok: 0, found: 1, usage: 2, unreachable: 3, missing: 4, partial: 5, refused: 6 },
    ...{ fault: 70, timeout: 124, interrupted: 130 },
  })
})

test('completion knows commands, what is below them, options and their choices', () => {
  assert.deepEqual(complete(['sta'], commands), ['status'])
  assert.deepEqual(complete(['dead-letters', 'd'], commands), ['diff', 'discard', 'dry-run'])
  assert.deepEqual(complete(['lag', '--w'], commands), ['--watch'])
  assert.deepEqual(complete(['completion', ''], commands), [...shells].sort())
  assert.deepEqual(complete(['tail', '--type', ''], commands), [])
  assert.deepEqual(complete(['nothing', ''], commands), [])
  assert.ok(complete([''], commands).includes('dead-letters'))
  assert.ok(complete(['dead-letters', 'redrive', '--'], commands).includes('--service'))
})

test('bash completes by its script', () => {
  const program = `${completionScript('bash')}
    function estafet { "${process.execPath}" --conditions=estafet-source "${root}src/cli/main.ts" "$@"; }
    COMP_WORDS=(estafet dead-letters re); COMP_CWORD=2; _estafet; echo "\${COMPREPLY[@]}"`
  const { stdout, stderr } = spawnSync('bash', ['-c', program], { encoding: 'utf8' })
  assert.equal(stderr, '')
  assert.equal(stdout.trim(), 'redrive')
})

for (const shell of ['zsh', 'fish']) {
  const isHere = spawnSync(shell, ['-c', 'true']).status === 0
  test(`${shell} reads its script`, { skip: isHere ? false : `${shell} is not installed` }, () => {
    const { status, stderr } = spawnSync(shell, ['-n'], { input: completionScript(shell), encoding: 'utf8' })
    assert.equal(status, 0, stderr)
  })
}

test('help loads no command: what the first step imports is small, and reaches no service and no database', () => {
  const seen = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    const text = readFileSync(`${root}src/cli/${path}`, 'utf8')
    for (const [, isType, specifier = ''] of text.matchAll(/^import (type )?[^'"]*'([^']+)'/gm)) {
      if (isType !== undefined) continue
      if (specifier.startsWith('.')) visit(new URL(specifier, `file:///${path}`).pathname.slice(1))
      else assert.ok(['node:util'].includes(specifier), `${path} imports ${specifier}`)
    }
  }
  visit('main.ts')
  assert.ok(seen.has('table/services.ts'))
  assert.deepEqual(
    [...seen].filter((path) => path.startsWith('commands/')),
    [],
  )
})
