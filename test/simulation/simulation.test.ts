import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Mutant, mutants, type SimulationOptions, type Verdict } from 'estafet/simulation'

// SEED=n replays one seed; SEEDS=n runs that many, from SEED on.
const first = Number(process.env['SEED'] ?? 1)
const count = Number(process.env['SEEDS'] ?? (process.env['SEED'] === undefined ? 250 : 1))

for (const via of ['log', 'broker'] as const) {
  test(`nothing is lost, doubled or out of order under ${count} seeds of faults, via the ${via}`, async () => {
    const verdicts = await run(seeds(first, count).map((seed) => ({ seed, via })))
    assert.equal(verdicts.length, count)
    const wrong = verdicts.filter(({ isRight }) => !isRight)
    assert.deepEqual(wrong, [], `replay the first with SEED=${wrong[0]?.seed} npm test -- simulation`)
  })
}

test('the same seed gives the same run', async () => {
  const [one, same, another] = await run([7, 7, 8].map((seed) => ({ seed, via: 'broker' })))
  assert.deepEqual(one, same)
  assert.notDeepEqual(one, another)
})

for (const mutant of mutants) {
  test(`the mutant "${mutant}" is found`, async () => {
    const verdicts = await run(seeds(1, 30).map((seed) => ({ seed, via: viaOf(mutant), mutant })))
    assert.ok(
      verdicts.some(({ isRight }) => !isRight),
      'no seed found it: the simulation is too kind',
    )
  })
}

function viaOf(mutant: Mutant): 'log' | 'broker' {
  return mutant === 'relay goes on after a failure' ? 'broker' : 'log'
}

function seeds(from: number, length: number): readonly number[] {
  return Array.from({ length }, (_, at) => from + at)
}

async function run(options: readonly SimulationOptions[]): Promise<readonly Verdict[]> {
  const module = fileURLToPath(new URL('run-seeds.ts', import.meta.url))
  const words = ['--conditions=estafet-source', module, JSON.stringify(options)]
  const { stdout } = await promisify(execFile)(process.execPath, words, { maxBuffer: 2 ** 26 })
  return stdout
    .trim()
    .split('\n')
    .map((line): Verdict => JSON.parse(line))
}
