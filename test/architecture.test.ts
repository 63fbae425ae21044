import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cycles, forbiddenImports, forbiddenNames, importsOf, loosened, type SourceFile } from './architecture/rules.ts'

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

test('applications use the published doors only', () => {
  const inner = within('apps').flatMap((file) =>
    importsOf(file)
      .filter((specifier) => /(^|\/)(src|dist)\//.test(specifier))
      .map((specifier) => `${file.path} imports ${specifier}`),
  )
  assert.deepEqual(inner, [])
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
  const cycle = [file('src/a.ts', "import type { B } from './b.ts'"), file('src/b.ts', "export { A } from './a.ts'")]
  assert.equal(cycles(cycle).length, 1)
  assert.equal(loosened(file('src/a.ts', 'const a: any = 1\nconst b = c as unknown as D')).length, 2)
})
