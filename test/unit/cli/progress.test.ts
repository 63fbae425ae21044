import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { optionsOf } from '../../../src/cli/options.ts'
import { barText, progress } from '../../../src/cli/progress.ts'
import { terminalOf } from '../../../src/cli/terminal.ts'
import { memoryTerminal } from './memory-terminal.ts'

function watched(...given: readonly string[]) {
  const lines: string[] = []
  const terminal = { ...memoryTerminal().terminal, progress: (line: string) => void lines.push(line) }
  let nowMs = 0
  const options = optionsOf(new Map(given.map((name) => [name, []])))
  const bar = progress({ terminal, options }, 'copying', 10, () => nowMs)
  const at = (ms: number, done: number): void => {
    nowMs = ms
    bar.at(done)
  }
  return { lines, bar, at }
}

test('a bar comes after two seconds, is drawn ten times a second at most, and is taken away', () => {
  const { lines, bar, at } = watched()
  for (const ms of [0, 1_000, 1_999]) at(ms, 1)
  assert.deepEqual(lines, [])
  for (const [ms, done] of [
    [2_000, 5],
    [2_050, 6],
    [2_100, 7],
  ] as const) {
    at(ms, done)
  }
  assert.deepEqual(lines, [barText('copying', 5, 10), barText('copying', 7, 10)])
  bar.end()
  bar.end()
  assert.deepEqual(lines.slice(2), [''])
})

test('a bar that never came is not taken away, and programs get none', () => {
  const quick = watched()
  quick.at(10, 10)
  quick.bar.end()
  const program = watched('json')
  program.at(9_000, 1)
  program.bar.end()
  assert.deepEqual([quick.lines, program.lines], [[], []])
})

test('a bar says how much of what, also when there is more than was counted, or nothing', () => {
  assert.equal(barText('copying', 5, 10), `copying [${'#'.repeat(15)}${'.'.repeat(15)}] 5 of 10`)
  assert.equal(barText('copying', 12, 10), `copying [${'#'.repeat(30)}] 12 of 12`)
  assert.equal(barText('copying', 0, 0), `copying [${'#'.repeat(30)}] 0 of 0`)
})

test('a line of progress takes the place of the last one, fits the terminal, and goes nowhere else', () => {
  for (const [isTTY, wanted] of [
    [true, '\r\u001b[2Kab\r\u001b[2K'],
    [false, ''],
  ] as const) {
    let written = ''
    const sink = new Writable({
      write(part, _, done) {
        written += String(part)
        done()
      },
    })
    const stderr = Object.assign(sink, { isTTY, columns: 3 })
    const terminal = terminalOf({ stdin: process.stdin, stdout: process.stdout, stderr }, (_, text) => text)
    terminal.progress('abc')
    terminal.progress('')
    assert.equal(written, wanted)
  }
})
