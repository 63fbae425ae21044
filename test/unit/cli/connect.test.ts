import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Address, addresses } from '../../../src/cli/connect.ts'
import { CommandFailure } from '../../../src/cli/failure.ts'
import { optionsOf } from '../../../src/cli/options.ts'

const home = mkdtempSync(join(tmpdir(), 'estafet-connect-'))
after(() => rmSync(home, { recursive: true, force: true }))

const below = join(home, 'a', 'b')
mkdirSync(below, { recursive: true })
mkdirSync(join(home, '.estafet'))
const ops = join(home, '.estafet', 'ops.json')
writeFileSync(
  ops,
  JSON.stringify({ token: 'of-the-file', services: { orders: 'http://127.0.0.1:1', billing: 'http://127.0.0.1:2/' } }),
  { mode: 0o600 },
)
const other = join(home, 'other.json')
writeFileSync(other, JSON.stringify({ token: 'of-the-other', services: { stock: 'http://127.0.0.1:3' } }), {
  mode: 0o600,
})
writeFileSync(join(home, 'token'), 'of-the-token-file\n')

function found(
  options: Readonly<Record<string, readonly string[]>> = {},
  env: Readonly<Record<string, string>> = {},
  cwd = below,
): readonly string[] {
  const shown = ({ name, url, token }: Address): string => `${name} ${url.href} ${token}`
  return addresses({ options: optionsOf(new Map(Object.entries(options))), env, cwd }).map(shown)
}

function failure(
  options: Readonly<Record<string, readonly string[]>>,
  env: Readonly<Record<string, string>> = {},
  cwd = below,
): CommandFailure {
  try {
    found(options, env, cwd)
  } catch (error) {
    if (error instanceof CommandFailure) return error
    throw error
  }
  assert.fail('nothing was refused')
}

test('the file .estafet/ops.json is found in the working directory or above', () => {
  const expected = ['orders http://127.0.0.1:1/ of-the-file', 'billing http://127.0.0.1:2/ of-the-file']
  assert.deepEqual(found(), expected)
  assert.deepEqual(found({}, {}, home), expected)
})

test('flags come before the environment, and that before the file', () => {
  const env = { ESTAFET_URL: 'http://h:5/ops/v1, http://h:6/base/', ESTAFET_CONNECT: '../../other.json' }
  assert.deepEqual(found({ url: ['http://h:4'] }, env), ['null http://h:4/ null'])
  assert.deepEqual(found({ connect: ['../../other.json'] }, env), ['stock http://127.0.0.1:3/ of-the-other'])
  assert.deepEqual(found({}, env), ['null http://h:5/ null', 'null http://h:6/base null'])
  assert.deepEqual(found({}, { ESTAFET_CONNECT: other }), ['stock http://127.0.0.1:3/ of-the-other'])
})

test('the token of a file goes to its services only; one that is given goes before it', () => {
  assert.deepEqual(found({ url: ['http://h:4'] }), ['null http://h:4/ null'])
  assert.deepEqual(found({ url: ['http://h:4'] }, { ESTAFET_TOKEN: 'of-env' }), ['null http://h:4/ of-env'])
  assert.deepEqual(found({ connect: [other] }, { ESTAFET_TOKEN: 'of-env' }), ['stock http://127.0.0.1:3/ of-env'])
  const both = found({ url: ['http://h:4'], 'token-file': ['../../token'] }, { ESTAFET_TOKEN: 'of-env' })
  assert.deepEqual(both, ['null http://h:4/ of-the-token-file'])
})

test('the token of the environment goes to a file that was found only when all its addresses are on this machine', () => {
  const folder = join(home, 'clone')
  const path = join(folder, '.estafet', 'ops.json')
  mkdirSync(join(folder, '.estafet'), { recursive: true })
  const write = (...urls: readonly string[]): void => {
    const services = Object.fromEntries(urls.map((url, at) => [`s${at}`, url]))
    writeFileSync(path, JSON.stringify({ token: 'of-the-file', services }), { mode: 0o600 })
  }
  const env = { ESTAFET_TOKEN: 'sesame' }
  write('http://127.0.0.1:1', 'http://127.9.9.9:1', 'http://localhost:1', 'http://[::1]:1')
  assert.ok(found({}, env, folder).every((each) => each.endsWith(' sesame')))
  const away = [
    'http://10.0.0.1',
    'https://example.com',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
  ]
  for (const url of [...away, 'http://0.0.0.0', 'http://[::]']) {
    write('http://127.0.0.1:1', url)
    const { exit, diagnostic } = failure({}, env, folder)
    assert.equal(exit, 'usage', url)
    assert.ok(diagnostic.hint?.includes(`--connect ${path}`))
    assert.doesNotMatch(JSON.stringify(diagnostic), /sesame/)
    // Its own token is for its own services, and whoever names the file trusts it.
    assert.ok(found({}, {}, folder).every((each) => each.endsWith(' of-the-file')))
    assert.ok(found({ connect: [path] }, env, folder).every((each) => each.endsWith(' sesame')))
    assert.ok(found({}, { ...env, ESTAFET_CONNECT: path }, folder).every((each) => each.endsWith(' sesame')))
  }
})

test('a file that others can read is refused, with the fix', () => {
  for (const mode of [0o644, 0o640, 0o604, 0o660]) {
    chmodSync(other, mode)
    const { exit, diagnostic } = failure({ connect: [other] })
    assert.equal(exit, 'refused')
    assert.match(diagnostic.hint ?? '', /^chmod 600 /)
  }
  chmodSync(other, 0o600)
  assert.equal(found({ connect: [other] }).length, 1)
})

test('what is wrong says what to do, and never the token', () => {
  const bad = join(home, 'bad.json')
  const wrong: readonly [string, string][] = [
    ['{', '{'],
    ['not an object', '[]'],
    ['no services', '{ "token": "sesame" }'],
    ['no address', '{ "token": "sesame", "services": { "orders": 7 } }'],
    ['none', '{ "token": "sesame", "services": {} }'],
    ['a file address', '{ "token": "sesame", "services": { "orders": "file:///etc/passwd" } }'],
  ]
  for (const [name, text] of wrong) {
    writeFileSync(bad, text, { mode: 0o600 })
    const { exit, diagnostic } = failure({ connect: [bad] })
    assert.equal(exit, 'usage', name)
    assert.doesNotMatch(JSON.stringify(diagnostic), /sesame/)
  }
  for (const url of ['nonsense', 'ftp://h', 'http://user:sesame@h/']) {
    const { exit, diagnostic } = failure({ url: [url] })
    assert.equal(exit, 'usage', url)
    assert.doesNotMatch(JSON.stringify(diagnostic.hint), /sesame/)
  }
  assert.equal(failure({ url: ['http://h'], connect: [other] }).exit, 'usage')
  assert.equal(failure({ connect: ['/nowhere.json'] }).exit, 'usage')
  assert.equal(failure({ 'token-file': ['/nowhere'], url: ['http://h'] }).exit, 'usage')
  assert.equal(failure({ url: ['http://h'] }, { ESTAFET_TOKEN: 'two\nlines' }).exit, 'usage')
  assert.match(failure({}, {}, '/').diagnostic.hint ?? '', /--url/)
})
