import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Contracts, checkContracts, committedOf, contractFiles, outdatedFiles } from 'estafet/contracts'
import { isContracts } from '../../src/contracts/contracts.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const applications = globSync('apps/*/contracts.ts', { cwd: root }).map((path) => path.split('/')[1] ?? '')

test('there are applications, each with the contracts of its services', () => {
  const all = globSync('apps/*/package.json', { cwd: root }).map((path) => path.split('/')[1] ?? '')
  assert.deepEqual(applications.toSorted(), all.toSorted())
})

for (const application of applications) {
  describe(`the contracts of ${application}`, async () => {
    const folder = `${root}apps/${application}/contracts/`
    const files = new Map(
      globSync('**/*.json', { cwd: folder }).map((path) => [path, readFileSync(`${folder}${path}`, 'utf8')]),
    )
    const committed = committedOf(files)
    const today = contractsOf(await import(`${root}apps/${application}/contracts.ts`))

    test('no event changed so that it breaks a service or what is stored, and each has a sample', () => {
      assert.deepEqual(checkContracts(today, committed), { breaks: [], notes: [] })
    })

    test('the contracts, documents and samples are those of the definitions', () => {
      // If not: estafet contracts generate --module apps/<application>/contracts.ts --out apps/<application>/contracts
      assert.deepEqual(outdatedFiles(contractFiles(today, committed), files), [])
    })
  })
}

function contractsOf(module: { readonly default?: unknown }): Contracts {
  assert.ok(isContracts(module.default))
  return module.default
}
