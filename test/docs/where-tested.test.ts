import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { block, cellText, contractTables, ownTables, ownTitle, page, readCell } from './clause-tables.ts'

const again = 'run: node --conditions=estafet-source test/docs/where-tested.ts'
const root = fileURLToPath(new URL('../..', import.meta.url))
const [, , written = ''] = block.exec(readFileSync(`${root}${page}`, 'utf8')) ?? []
const [header = [], , ...rows] = written
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )

test('the table of docs/guarantees.md has a column for each table of clauses, and a row for each driver', () => {
  assert.deepEqual(header, ['driver', ...contractTables.map(({ title }) => title), ownTitle], again)
  for (const driver of ['memory', 'PostgreSQL', ...Object.keys(ownTables)]) {
    assert.ok(
      rows.some(([name]) => name === driver),
      `${driver}: ${again}`,
    )
  }
})

test('the table of docs/guarantees.md counts the clauses that there are', () => {
  const counts = new Map(contractTables.map(({ title, clauses }) => [title, clauses.length]))
  let seen = 0
  for (const [driver = '', ...cells] of rows) {
    for (const [at, text] of cells.entries()) {
      const cell = readCell(text)
      const title = header[at + 1] ?? ''
      if (cell === null) continue
      seen += 1
      const exist = counts.get(title) ?? ownTables[driver]?.length
      assert.equal(cell.clauses, exist, `${driver}, ${title}: ${again}`)
      assert.ok(cell.held > 0 && cell.held <= cell.clauses && cell.configurations > 0, `${driver}, ${title}`)
    }
  }
  assert.ok(seen >= 20, again)
})

test('a cell is read as it was written, and nothing else is a cell', () => {
  for (const cell of [
    { held: 7, clauses: 7, configurations: 4 },
    { held: 6, clauses: 7, configurations: 1 },
  ]) {
    assert.deepEqual(readCell(cellText(cell)), cell)
  }
  assert.equal(readCell(''), null)
  assert.throws(() => readCell('all clauses'))
})
