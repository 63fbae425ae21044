import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { columns, displayWidth, fields } from '../../../src/cli/columns.ts'
import { envelope, envelopeLine } from '../../../src/cli/envelope.ts'
import { edits, nearest } from '../../../src/cli/nearest.ts'
import { safeLines, safeText } from '../../../src/cli/safe-text.ts'
import { parseSpan, sayMs } from '../../../src/cli/span.ts'

/** What can move a cursor, hide text or turn the direction of a line. */
const dangerous = /[\p{Cc}\u202a-\u202e\u2066-\u2069\u200b-\u200f\u2028\u2029\p{Cs}]/u

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\u001b[2J', '\u001b]0;title\u0007', '\u009b31m', 'a\r\nb', '\u202egnp.exe', '\ud800', '\u007f'),
)

test('no text that others wrote reaches a terminal with a control character in it', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      assert.doesNotMatch(safeText(text), dangerous)
      assert.doesNotMatch(safeLines(text).replaceAll('\n', ''), dangerous)
      assert.doesNotMatch(columns([text], [{ title: 'T', of: (row) => row }], 40).replaceAll('\n', ''), dangerous)
      assert.doesNotMatch(fields({ name: text }), dangerous)
    }),
  )
})

test('an envelope is one line without control characters, and its JSON means what it held', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const line = envelopeLine(envelope('dead-letters list', 'ok', { text }, []))
      assert.doesNotMatch(line, dangerous)
      assert.deepEqual(JSON.parse(line), {
        ...{ schema: 'estafet.cli/v1', command: 'dead-letters.list', status: 'ok' },
        ...{ data: { text }, diagnostics: [] },
      })
    }),
  )
})

test('text without such characters stays as it is', () => {
  assert.equal(safeText('Crème brûlée — 注文 ✓ 😀'), 'Crème brûlée — 注文 ✓ 😀')
  assert.equal(safeText('\u001b[31mred\n'), '\\u001b[31mred\\n')
  assert.equal(safeLines('a\n\tb\u0007'), 'a\n  b\\u0007')
})

test('columns stand below their titles, numbers to the right, and nothing is cut but by a terminal', () => {
  const rows = [
    { name: 'orders', lag: 7 },
    { name: '注文', lag: 12_000 },
  ]
  const of = [
    { title: 'SERVICE', of: (row: (typeof rows)[0]) => row.name },
    { title: 'LAG', of: (row: (typeof rows)[0]) => row.lag, align: 'right' as const },
  ]
  assert.equal(columns(rows, of, null), ['SERVICE    LAG', 'orders       7', '注文     12000'].join('\n'))
  assert.equal(columns(rows, of, 9).split('\n')[1], 'orders  …')
  assert.equal(columns([], of, null), 'SERVICE  LAG')
})

test('wide characters take two cells, marks none', () => {
  assert.deepEqual(['abc', '注文', 'e\u0301', '😀'].map(displayWidth), [3, 4, 1, 2])
})

test('spans of time are read in their units, and others refused', () => {
  const read = ['500ms', '30s', '5m', '2h', '1d', '0s'].map((text) => parseSpan(text, 'every'))
  assert.deepEqual(read, [500, 30_000, 300_000, 7_200_000, 86_400_000, 0])
  for (const text of ['', '5', '5 s', '-1s', '1w', '1.5s', 's', '9999999999s']) {
    assert.throws(() => parseSpan(text, 'every'), /--every takes a span/, text)
  }
})

test('spans of time are said in two units at most', () => {
  const said = [0, 999, 1000, 61_000, 3_600_000, 90_061_000].map(sayMs)
  assert.deepEqual(said, ['0 ms', '999 ms', '1 s', '1 min 1 s', '1 h', '1 d 1 h'])
})

test('the nearest word is found through a slip, and none where nothing is near', () => {
  const known = ['status', 'doctor', 'dead-letters list', 'tail']
  assert.equal(nearest('statsu', known), 'status')
  assert.equal(nearest('dead-leters list', known), 'dead-letters list')
  assert.equal(nearest('doc', known), 'doctor')
  assert.equal(nearest('replicate', known), null)
})

test('the number of edits is a distance', () => {
  const word = fc.string({ maxLength: 8 })
  fc.assert(
    fc.property(word, word, (a, b) => {
      assert.equal(edits(a, a), 0)
      assert.equal(edits(a, b), edits(b, a))
      assert.ok(edits(a, b) <= Math.max(a.length, b.length))
      assert.equal(edits(a, b) === 0, a === b)
    }),
  )
})
