import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  cycles,
  driversBehind,
  folderOf,
  forbiddenImports,
  forbiddenNames,
  loosened,
  reachTable,
  type SourceFile,
  strayImports,
} from './architecture/rules.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const files: readonly SourceFile[] = globSync('{src,apps,engines,bench,scripts,test}/**/*.{ts,mjs}', {
  cwd: root,
  exclude: (name) => name === 'node_modules' || name === 'dist',
}).map((path) => ({ path, text: readFileSync(`${root}${path}`, 'utf8') }))
const within = (folder: string): readonly SourceFile[] => files.filter(({ path }) => path.startsWith(`${folder}/`))

test('every folder of src imports only what the table allows', () => {
  assert.ok(within('src').length > 40)
  assert.deepEqual(within('src').flatMap(forbiddenImports), [])
})

test('there is no import cycle, types included', () => {
  assert.deepEqual(cycles(files), [])
})

test('a door opens no driver but the one it is named after', () => {
  const doors = within('src').filter(({ path }) => folderOf(path) === null)
  assert.ok(doors.length > 4)
  assert.deepEqual(doors.flatMap(driversBehind), [])
})

test('no part of the repository reaches into another: applications use the published doors only', () => {
  assert.deepEqual(Object.keys(reachTable).flatMap(within).flatMap(strayImports), [])
})

test('no source file has more than 400 lines, no test more than 600', () => {
  const long = files.flatMap(({ path, text }) => {
    const lines = text.split('\n').length - 1
    return lines > (path.startsWith('test/') || path.includes('/test/') ? 600 : 400) ? [`${path}: ${lines}`] : []
  })
  assert.deepEqual(long, [])
})

test('types are nowhere loosened in src, apps, engines and bench', () => {
  const checked = ['src', 'apps', 'engines', 'bench'].flatMap(within)
  assert.deepEqual(checked.flatMap(loosened), [])
})

test('names are kebab-case, and none is a place where design stops', () => {
  const wrong = files.filter(({ path }) => {
    const parts = path.split('/')
    const name = basename(path).replace(/(\.test)?\.(ts|mjs)$/, '')
    return (
      !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) ||
      [...parts.slice(1, -1), name].some((part) => forbiddenNames.includes(part))
    )
  })
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  )
})

test('the checks find what they look for', () => {
  const file = (path: string, text: string): SourceFile => ({ path, text })
  assert.equal(forbiddenImports(file('src/message/a.ts', "import type { X } from '../ports/x.ts'")).length, 1)
  assert.equal(forbiddenImports(file('src/outbox/a.ts', "import { X } from '../inbox/x.ts'")).length, 1)
  assert.equal(forbiddenImports(file('src/delivery/a.ts', "import { randomUUID } from 'node:crypto'")).length, 1)
  assert.equal(forbiddenImports(file('src/runtime/a.ts', "import pg from 'pg'")).length, 1)
  assert.equal(forbiddenImports(file('src/nowhere/a.ts', '')).length, 1)
  assert.equal(forbiddenImports(file('src/ports/a.ts', "import {\n  type X,\n} from '../message/x.ts'")).length, 0)
  assert.equal(driversBehind(file('src/index.ts', "export { X } from './drivers/memory/x.ts'")).length, 1)
  assert.equal(driversBehind(file('src/memory.ts', "export { X } from './drivers/memory/x.ts'")).length, 0)
  assert.equal(strayImports(file('apps/shop/orders/a.ts', "import { X } from '../../../src/index.ts'")).length, 1)
  assert.equal(strayImports(file('apps/shop/a.ts', "import { X } from '../bank/x.ts'")).length, 1)
  assert.equal(strayImports(file('src/index.ts', "export { X } from '../engines/x.ts'")).length, 1)
  assert.equal(strayImports(file('engines/a.ts', "import { X } from '../apps/shop/x.ts'")).length, 1)
  assert.equal(strayImports(file('apps/shop/main.ts', "import { X } from '../../engines/x.ts'")).length, 0)
  const cycle = [file('src/a.ts', "import type { B } from './b.ts'"), file('src/b.ts', "export { A } from './a.ts'")]
  assert.equal(cycles(cycle).length, 1)
  assert.equal(loosened(file('src/a.ts', 'const a: any = 1\nconst b = c as unknown as D')).length, 2)
})

test('the linter finds time, chance and Node in a pure folder, and there only', () => {
  const home = mkdtempSync(join(tmpdir(), 'estafet-lint-'))
  const config = readFileSync(`${root}biome.json`, 'utf8').replace(
    '"enabled": true, "clientKind"',
    '"enabled": false, "clientKind"',
  )
  const banned = [
    'export const a = Date.now()',
    'export const a = new Date()',
    'export const { now } = Date',
    'export const a = Math.random()',
    'export const a = setTimeout(() => {}, 1)',
    'export const a = globalThis.setTimeout(() => {}, 1)',
    'export const a = crypto.randomUUID()',
    "export { randomUUID } from 'node:crypto'",
    "export { setTimeout } from 'node:timers/promises'",
  ]
  const texts = { ...banned, fine: 'export const a = new Date(5)' }
  try {
    cpSync(`${root}biome`, join(home, 'biome'), { recursive: true })
    writeFileSync(join(home, 'biome.json'), config)
    for (const folder of ['message', 'runtime']) {
      mkdirSync(join(home, 'src', folder), { recursive: true })
      for (const [name, text] of Object.entries(texts))
        writeFileSync(join(home, 'src', folder, `${name}.ts`), `${text}\n`)
    }
    const words = ['lint', '--colors=off', '--reporter=json', '--max-diagnostics=none', '.']
    const { stdout } = spawnSync(`${root}node_modules/.bin/biome`, words, { cwd: home, encoding: 'utf8' })
    const found = new Set([...stdout.matchAll(/src\/\w+\/\w+\.ts/g)].map(([path]) => path))
    assert.deepEqual(
      [...found].sort(),
      banned.map((_, at) => `src/message/${at}.ts`),
    )
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})
