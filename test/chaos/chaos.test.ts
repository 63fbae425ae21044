import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '../../src/drivers/memory/random.ts'
import { type Mutant, mutants } from './mutants.ts'
import { faultNames, isOfProcess, type NemesisOptions, plan } from './nemesis.ts'

// SEED=n replays one seed; SECONDS=n hurts for longer.
const seed = process.env['SEED'] ?? '1'
const seconds = process.env['SECONDS'] ?? '75'

test('every promise is kept while processes, network, server and disk fail', async () => {
  const { code, text } = await chaos(['--seed', seed, '--seconds', seconds])
  assert.equal(code, 0, text)
})

const wrong: Readonly<Record<Mutant, RegExp>> = {
  'ack before commit': /I1 no loss: \d+ × .* neither handled nor set aside/,
  'progress outside the transaction': /I3 no duplicate: \d+ × .* more than one effect/,
  'no fence': /I3 no duplicate: \d+ × .* more than one effect/,
}

for (const mutant of mutants) {
  test(`the mutant "${mutant}" is found by the same verdict`, async () => {
    const what = [
      '--seed',
      '1',
      '--seconds',
      '20',
      '--faults',
      'kill,freeze,reset,swallow,postgres',
      '--poison',
      'none',
    ]
    const { code, text } = await chaos([...what, '--mutant', mutant])
    assert.equal(code, 1, text)
    assert.match(text, wrong[mutant])
    assert.match(text, /Replay it: npm run chaos:toolkit -- --seed 1 --seconds 20 --faults .* --mutant/)
  })
}

const options = (of: number): NemesisOptions => ({
  ...{ random: seededRandom(of), totalMs: 180_000, leaseMs: 1_000, processes: ['one', 'two'], faults: faultNames },
})

test('a seed is a plan: the same again for the same, another one for another', () => {
  assert.deepEqual(plan(options(7)), plan(options(7)))
  assert.notDeepEqual(plan(options(7)), plan(options(8)))
})

test('a plan of three minutes has every fault, one of a sort at a time, each healed in time', () => {
  const planned = plan(options(1))
  assert.deepEqual(new Set(planned.map(({ injury }) => injury.fault)), new Set(faultNames))
  for (const sort of [planned.filter(isOfProcess), planned.filter((each) => !isOfProcess(each))]) {
    assert.ok(sort.every(({ atMs }, at) => at === 0 || atMs > (sort[at - 1]?.atMs ?? 0) + (sort[at - 1]?.forMs ?? 0)))
  }
  assert.ok(planned.every(({ atMs, forMs }) => atMs + forMs <= 180_000))
})

function chaos(words: readonly string[]): Promise<{ code: number | null; text: string }> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=estafet-source', main, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, text }))
  })
}
