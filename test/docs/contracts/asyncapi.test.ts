import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { event, service } from 'estafet'
import * as z from 'zod'
import { asyncApi, contracts } from '../../../src/contracts.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** The official parser, where it is installed. */
const judge = await import('@asyncapi/parser').then(
  ({ Parser }) => new Parser(),
  () => null,
)
const judged = judge === null ? { skip: 'the package @asyncapi/parser is NOT installed: npm ci' } : {}

async function faultsOf(document: string): Promise<readonly string[]> {
  assert.ok(judge !== null)
  const found = await judge.validate(document)
  // Advice on what a document might also say is not a fault of it.
  return found.filter(({ severity }) => severity === 0).map(({ message, path }) => `${path.join('.')}: ${message}`)
}

const tree = z.object({
  name: z.string(),
  get parts() {
    return z.array(tree)
  },
})
const TreeGrown = event('tree.grown', { version: 2, since: 2, schema: tree, key: ({ name }) => name })
const wood = contracts([service<unknown>('wood', { publishes: [TreeGrown] })])

/** Of a service whose event holds itself: references must lead to where the schema stands. */
function circular(): object {
  const [contract] = wood.services.map((each) => each.contract)
  assert.ok(contract !== undefined)
  return asyncApi(contract, [contract])
}

test('the official parser finds no fault in a document of circles', judged, async () => {
  assert.deepEqual(await faultsOf(JSON.stringify(circular())), [])
})

test('the official parser finds the fault of a document that has one', judged, async () => {
  const broken = JSON.stringify({ ...circular(), operations: { x: { action: 'shout' } } })
  assert.ok((await faultsOf(broken)).length > 0)
})

const documents = globSync('apps/*/contracts/*.asyncapi.json', { cwd: root }).toSorted()

test('there are documents of every application', () => {
  assert.ok(documents.length >= 10)
})
for (const path of documents) {
  test(`the official parser finds no fault in ${path}`, judged, async () => {
    assert.deepEqual(await faultsOf(readFileSync(`${root}${path}`, 'utf8')), [])
  })
}
