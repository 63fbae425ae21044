import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { checkContracts, committedOf, contractFiles, outdatedFiles } from 'estafet/contracts'
import today from '../contracts.ts'

const folder = fileURLToPath(new URL('../contracts/', import.meta.url))
const files = new Map(
  globSync('**/*.json', { cwd: folder }).map((path) => [path, readFileSync(`${folder}${path}`, 'utf8')]),
)
const committed = committedOf(files)

test('no event changed so that it breaks a service or what is stored, and each has a sample', () => {
  assert.deepEqual(checkContracts(today, committed), { breaks: [], notes: [] })
})

test('the contracts, documents and samples are those of the definitions', () => {
  // If not: estafet contracts generate --module apps/tasks/contracts.ts --out apps/tasks/contracts
  assert.deepEqual(outdatedFiles(contractFiles(today, committed), files), [])
})
