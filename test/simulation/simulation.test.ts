import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Mutant, mutants, simulate, type Verdict } from 'estafet/simulation'

// SEED=n replays one seed; SEEDS=n runs that many, from SEED on.
const first = Number(process.env['SEED'] ?? 1)
const count = Number(process.env['SEEDS'] ?? (process.env['SEED'] === undefined ? 250 : 1))

for (const via of ['log', 'broker'] as const) {
  test(`nothing is lost, doubled or out of order under ${count} seeds of faults, via the ${via}`, async () => {
    const wrong: Verdict[] = []
    for (let seed = first; seed < first + count; seed++) {
      const verdict = await simulate({ seed, via })
      if (!verdict.isRight) wrong.push(verdict)
    }
    assert.deepEqual(wrong, [], `replay the first with SEED=${wrong[0]?.seed} npm test -- simulation`)
  })
}

test('the same seed gives the same run', async () => {
  assert.deepEqual(await simulate({ seed: 7, via: 'broker' }), await simulate({ seed: 7, via: 'broker' }))
})

for (const mutant of mutants) {
  test(`the mutant "${mutant}" is found`, async () => {
    assert.ok(await isFound(mutant), `no seed up to 60 found it: the simulation is too kind`)
  })
}

async function isFound(mutant: Mutant): Promise<boolean> {
  const via = mutant === 'relay goes on after a failure' ? 'broker' : 'log'
  for (let seed = 1; seed <= 60; seed++) {
    if (!(await simulate({ seed, via, mutant })).isRight) return true
  }
  return false
}
