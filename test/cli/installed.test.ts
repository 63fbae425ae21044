import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { commands } from '../../src/cli/commands.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'estafet-installed-'))
const main = join(home, 'dist', 'cli', 'main.js')

before(() => {
  // As scripts/build.mjs does, but beside: nobody else's dist is touched.
  const words = [
    '-p',
    'tsconfig.build.json',
    '--outDir',
    join(home, 'dist'),
    '--declaration',
    'false',
    '--declarationMap',
    'false',
  ]
  const built = spawnSync(join(root, 'node_modules', '.bin', 'tsc'), words, { cwd: root, encoding: 'utf8' })
  // Whether all of src compiles is for the stage types to say; this is about the command line.
  assert.doesNotMatch(built.stdout, /^src\/cli\//m)
  const migrations = join('drivers', 'postgres', 'migrations')
  cpSync(join(root, 'src', migrations), join(home, 'dist', migrations), { recursive: true })
  cpSync(join(root, 'package.json'), join(home, 'package.json'))
})
after(() => rmSync(home, { recursive: true, force: true }))

function run(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return spawnSync(process.execPath, [main, ...words], { cwd: home, env, encoding: 'utf8' })
}

test('the bin of package.json is the compiled command line, which the system can start', () => {
  const { bin, version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  assert.deepEqual(bin, { estafet: 'dist/cli/main.js' })
  assert.match(readFileSync(main, 'utf8'), /^#!\/usr\/bin\/env node\n/)
  assert.equal(run(['--version']).stdout, `${version}\n`)
})

test('it needs no other package for help, and for every command to be loaded', () => {
  assert.equal(run([]).status, 0)
  for (const { name } of commands) {
    const { status, stdout } = run([...name.split(' '), '--help'])
    assert.equal(status, 0, name)
    assert.match(stdout, /^Examples$/m)
  }
  assert.equal(run(['lag']).status, 2)
})

test('a command that needs a database says how to install pg, where it is not', () => {
  const { status, stderr } = run(['migrate', 'status'], { ESTAFET_DATABASE_URL: 'postgres://a:b@127.0.0.1:1/c' })
  assert.equal(status, 2)
  assert.match(stderr, /package pg.*\n {2}npm install pg\n/)
})

test('who reads only the beginning of the output is no fault', () => {
  const piped = spawnSync('sh', ['-c', `"${process.execPath}" "${main}" help --json | head -c 10`], {
    encoding: 'utf8',
  })
  assert.deepEqual([piped.stdout.length, piped.stderr], [10, ''])
})
