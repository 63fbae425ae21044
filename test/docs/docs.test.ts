import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { errorCodes } from 'estafet'

const root = fileURLToPath(new URL('../..', import.meta.url))
const text = (path: string): string => readFileSync(`${root}${path}`, 'utf8')
const pages = globSync('{*.md,docs/**/*.md,apps/*/*.md}', { cwd: root })
// Clauses of one driver alone stand beside its tests.
const tests = globSync('{test,apps}/**/{*.test,*-clauses}.ts', { cwd: root }).map((path) => text(path))
const clauses = globSync('src/contract/*.ts', { cwd: root }).map((path) => text(path))

test('every code block that names a file is that file', () => {
  let seen = 0
  for (const page of pages) {
    for (const [, path = '', code] of text(page).matchAll(/```\w+ file=(\S+)\n([\s\S]*?)```/g)) {
      seen += 1
      assert.equal(code, text(path), `${page} and ${path}`)
    }
  }
  assert.ok(seen >= 3)
})

test('every link between pages leads somewhere', () => {
  const broken = pages.flatMap((page) =>
    [...text(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)]
      .map(([, target = '']) => new URL(target, `file:///${page}`).pathname.slice(1))
      .filter((target) => !existsSync(`${root}${target}`))
      .map((target) => `${page}: ${target}`),
  )
  assert.deepEqual(broken, [])
})

test('docs/errors.md has a section for each code, and no other', () => {
  const sections = [...text('docs/errors.md').matchAll(/^## (\w+)$/gm)].map(([, code]) => code)
  assert.deepEqual(sections.toSorted(), Object.keys(errorCodes).toSorted())
})

test('every error code is thrown by the source and checked by a test', () => {
  const source = globSync('src/**/*.ts', { cwd: root })
    .filter((path) => !path.endsWith('message/errors.ts'))
    .map(text)
  const unused = Object.keys(errorCodes).filter((code) => !source.some((file) => file.includes(`'${code}'`)))
  const untested = Object.keys(errorCodes).filter(
    (code) => ![...tests, ...clauses].some((file) => file.includes(`'${code}'`)),
  )
  assert.deepEqual({ unused, untested }, { unused: [], untested: [] })
})

test('every test that docs/guarantees.md names exists', () => {
  const named = [...text('docs/guarantees.md').matchAll(/“([^”]+)”/g)].map(([, name = '']) => name)
  assert.ok(named.length >= 15)
  const all = [...tests, ...clauses].join('\n')
  // Names with a part that is filled in, such as the point of a crash, are looked up by what stands before it.
  const missing = named.filter((name) => !all.includes(name.split(' … ')[0] ?? name))
  assert.deepEqual(missing, [])
})

test('the glossary defines each word once', () => {
  const words = [...text('docs/glossary.md').matchAll(/^\*\*([^*]+)\*\*/gm)].map(([, word]) => word)
  assert.ok(words.length >= 25)
  assert.deepEqual(words, [...new Set(words)])
})
