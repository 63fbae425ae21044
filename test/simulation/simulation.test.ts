import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { mutants, type SimulationOptions, type Verdict } from 'estafet/simulation'

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
  test(`the mutant "${mutant}" is found by one of the fixed seeds`, async () => {
    const runs = seeds(1, 250).map((seed) => ({ seed, via: 'broker' as const, mutant }))
    const verdicts = await run(runs, { stopsAtRed: true })
    assert.equal(verdicts.at(-1)?.isRight, false, 'no seed found it: the simulation is too kind')
  })
}

function seeds(from: number, length: number): readonly number[] {
  return Array.from({ length }, (_, at) => from + at)
}

async function run(
  runs: readonly SimulationOptions[],
  { stopsAtRed }: { readonly stopsAtRed: boolean } = { stopsAtRed: false },
): Promise<readonly Verdict[]> {
  const module = fileURLToPath(new URL('run-seeds.ts', import.meta.url))
  const words = ['--conditions=estafet-source', module, JSON.stringify({ runs, stopsAtRed })]
  const { stdout } = await promisify(execFile)(process.execPath, words, { maxBuffer: 2 ** 26 })
  return stdout
    .trim()
    .split('\n')
    .map((line): Verdict => JSON.parse(line))
}
