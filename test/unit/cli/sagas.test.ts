import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { timeline } from '../../../src/cli/saga-timeline.ts'
import { shellWord } from '../../../src/cli/shell-word.ts'

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString()
const step = (name: string, state: string, begun: number, changed: number) => ({
  ...{ name, state, kind: 'request', asks: 'hotel.reserve-room', tries: 0, dueAt: null, note: null },
  ...{ begunAt: at(begun), changedAt: at(changed) },
})

test('a timeline shows from when to when each step was under way, and what still is up to now', () => {
  const saga = {
    ...{ startedAt: at(0), progressedAt: at(6), idleSeconds: 6 },
    steps: [step('create', 'done', 0, 0), step('room', 'done', 0, 6), step('charge', 'waiting', 6, 6)],
  }
  assert.equal(
    timeline(saga, null),
    [
      'STEP    KIND                        STATE    AFTER   FOR  TIMELINE                    TRIES  DUE  NOTE',
      'create  request hotel.reserve-room  done      0 ms  0 ms  |=                       |      0  -    -',
      'room    request hotel.reserve-room  done      0 ms   6 s  |============            |      0  -    -',
      'charge  request hotel.reserve-room  waiting    6 s   6 s  |            ----------->|      0  -    -',
    ].join('\n'),
  )
})

test('a timeline is as wide whatever the times are, and its lines are as many as the steps', () => {
  const second = fc.integer({ min: -5, max: 100 })
  const some = fc.tuple(second, second, fc.constantFrom('done', 'waiting', 'undoing'))
  fc.assert(
    fc.property(fc.array(some, { maxLength: 5 }), second, fc.nat(50), (steps, progressed, idleSeconds) => {
      const saga = {
        ...{ startedAt: at(0), progressedAt: at(progressed), idleSeconds },
        steps: steps.map(([begun, changed, state], name) => step(`${name}`, state, begun, changed)),
      }
      const [, ...lines] = timeline(saga, null).split('\n')
      assert.equal(lines.length, steps.length)
      for (const line of lines) assert.match(line, /\|[ =>-]{24}\|/)
    }),
  )
})

test('a word for a shell is that word again when a shell has read it', () => {
  assert.deepEqual(['trip-1', 'a/b:c', "o'clock", '-x', ''].map(shellWord), [
    ...['trip-1', 'a/b:c', String.raw`'o'\''clock'`, "'-x'", "''"],
  ])
  for (const word of ["it's $HOME", '`date`', '"', '\\', 'a b', '*', '漢字']) {
    const { stdout } = spawnSync('sh', ['-c', `printf %s ${shellWord(word)}`], { encoding: 'utf8' })
    assert.equal(stdout, word)
  }
})
