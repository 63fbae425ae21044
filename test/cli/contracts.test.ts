import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { type Ended, envelopeOf, estafet } from './child.ts'

const at = (path: string): string => JSON.stringify(import.meta.resolve(path))
const root = (path: string): string => at(`../../${path}`)

/** A module of a user, with the schema of an order, and what else its event says. */
function moduleOf(schema: string, more = ''): string {
  return `import * as z from ${at('zod')}
import { event, on, service } from ${root('src/index.ts')}
import { contracts } from ${root('src/contracts.ts')}
const OrderPlaced = event('order.placed', {
  version: 1, schema: z.object(${schema}), key: ({ orderId }) => orderId, ${more}
})
const orders = service('orders', { publishes: [OrderPlaced] })
const billing = service('billing', { handlers: [on(OrderPlaced, async () => {})] })
const data = { orderId: 'A-secret', total: 5, note: '' }
export const system = contracts([{ service: orders, examples: [OrderPlaced(data)] }, billing])
`
}

describe('contracts', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'estafet-contracts-'))
  const cli = (line: string): Promise<Ended> => estafet(line, { cwd })
  const define = (schema: string, more?: string): void =>
    writeFileSync(join(cwd, 'contracts.ts'), moduleOf(schema, more))
  const file = (path: string): string => readFileSync(join(cwd, 'contracts', path), 'utf8')
  const [first, required] = ['{ orderId: z.string(), total: z.number() }', '{ orderId: z.string(), note: z.string() }']

  after(() => rmSync(cwd, { recursive: true, force: true }))
  beforeEach(async () => {
    rmSync(join(cwd, 'contracts'), { recursive: true, force: true })
    define(first)
    const { code, err } = await cli('estafet contracts generate')
    assert.deepEqual({ code, err }, { code: 0, err: '' })
  })

  test('generate writes contract, document and sample, and the same again', async () => {
    const files = readdirSync(join(cwd, 'contracts'), { recursive: true }).map(String).toSorted()
    const documents = ['billing.asyncapi.json', 'billing.json', 'orders', 'orders.asyncapi.json', 'orders.json']
    assert.deepEqual(files, [...documents, join('orders', 'order.placed.v1.json')].toSorted())
    assert.deepEqual(JSON.parse(file('orders/order.placed.v1.json')), {
      ...{ service: 'orders', type: 'order.placed', version: 1, key: 'A-secret' },
      data: { orderId: 'A-secret', total: 5 },
    })
    const again = await cli('estafet contracts generate --json')
    assert.deepEqual(envelopeOf(again).data, { written: [], breaks: [], notes: [] })
  })

  test('check passes what is the same, also in files that a formatter laid out anew', async () => {
    writeFileSync(join(cwd, 'contracts', 'orders.json'), JSON.stringify(JSON.parse(file('orders.json'))))
    const { code, out } = await cli('estafet contracts check --current')
    assert.deepEqual({ code, out }, { code: 0, out: '2 services: nothing that changed breaks anybody.\n' })
  })

  test('check passes what is added and says that it is news; --current does not', async () => {
    define('{ orderId: z.string(), total: z.number(), note: z.string().optional() }')
    const check = await cli('estafet contracts check')
    assert.equal(check.code, 0)
    assert.match(check.out, /News for contracts: .*orders\.json/)
    const current = await cli('estafet contracts check --current --json')
    assert.equal(current.code, 1)
    assert.deepEqual(
      envelopeOf(current).diagnostics.map(({ code, hint }) => [code, hint]),
      [['CONTRACT_OUTDATED', 'estafet contracts generate']],
    )
  })

  test('check refuses with 1 what breaks somebody: whom, and what to do; never with data', async () => {
    define('{ orderId: z.string(), total: z.number(), note: z.string() }')
    const { code, out, err } = await cli('estafet contracts check')
    assert.deepEqual({ code, out }, { code: 1, out: '' })
    assert.match(err, /CONTRACT_BROKEN: order\.placed 1: note is required now.* Breaks whoever reads what is stored\./)
    assert.match(err, /Make note optional or give it a default\. Or: .*version 2 with upcast/)
    define(required)
    const both = await cli('estafet contracts check --json')
    const { data, diagnostics } = envelopeOf(both)
    assert.deepEqual(
      diagnostics.map((each) => each.code),
      ['CONTRACT_BROKEN', 'CONTRACT_BROKEN'],
    )
    assert.match(diagnostics.map(({ message }) => message).join('\n'), /total was always there.* Breaks billing\./)
    assert.match(JSON.stringify(data), /"consumers":\["billing"\]/)
    assert.doesNotMatch(`${err}${both.out}`, /A-secret/)
  })

  test('generate writes nothing that breaks somebody, unless it is accepted', async () => {
    define(required)
    const before = file('orders.json')
    const refused = await cli('estafet contracts generate')
    assert.equal(refused.code, 6)
    assert.match(refused.err, /CONTRACT_BROKEN: [\s\S]*REFUSED: Nothing was written: 2 changes/)
    assert.equal(file('orders.json'), before)
    assert.equal((await cli('estafet contracts generate --accept-breaks')).code, 0)
    assert.notEqual(file('orders.json'), before)
  })

  test('an upcast that is wrong is found by the sample of the version before', async () => {
    const next = required.replace('note', 'total: z.number(), note')
    define(next, 'version: 2, upcast: { 1: (old) => old }')
    const wrong = await cli('estafet contracts check')
    assert.equal(wrong.code, 1)
    assert.match(wrong.err, /The sample of order\.placed 1 cannot be read by orders any more: .*note/)
    define(next, "version: 2, upcast: { 1: (old) => ({ ...old, note: '' }) }")
    assert.equal((await cli('estafet contracts check')).code, 0)
    assert.equal((await cli('estafet contracts generate')).code, 0)
    assert.ok(existsSync(join(cwd, 'contracts', 'orders', 'order.placed.v2.json')))
  })

  test('a file of a service that is gone goes with it, once that is accepted; others in the folder stay', async () => {
    writeFileSync(join(cwd, 'contracts', 'README.md'), 'ours')
    writeFileSync(
      join(cwd, 'contracts.ts'),
      `import { contracts } from ${root('src/contracts.ts')}\nexport default contracts([])\n`,
    )
    assert.equal((await cli('estafet contracts generate')).code, 6)
    assert.equal((await cli('estafet contracts generate --accept-breaks')).code, 0)
    const left = readdirSync(join(cwd, 'contracts'), { recursive: true, withFileTypes: true })
    assert.deepEqual(
      left.filter((each) => each.isFile()).map(({ name }) => name),
      ['README.md'],
    )
  })

  const unusable: readonly (readonly [says: string, text: string, code: number, err: RegExp])[] = [
    ['exports none', 'export const x = 1', 2, /USAGE: The module contracts\.ts exports no contracts\./],
    ['cannot be loaded', 'throw new TypeError("A-secret")', 2, /cannot be loaded: TypeError\.\n {2}node contracts\.ts/],
    [
      'misdefines them',
      `import { contracts } from ${root('src/contracts.ts')}
      const one = { name: 'one', publishes: [], handlers: [] }
      export default contracts([one, one])`,
      2,
      /MISCONFIGURED: The contracts name a service twice: one/,
    ],
  ]
  for (const [says, text, code, message] of unusable) {
    test(`a module that ${says} is refused in a sentence`, async () => {
      writeFileSync(join(cwd, 'contracts.ts'), text)
      const ended = await cli('estafet contracts check')
      assert.equal(ended.code, code, ended.err)
      assert.match(ended.err, message)
      assert.doesNotMatch(ended.err, /A-secret/)
    })
  }

  test('a missing module, a missing folder and a file of somebody else are named', async () => {
    const module = await cli('estafet contracts check --module nowhere.ts')
    assert.equal(module.code, 4)
    assert.match(module.err, /There is no module nowhere\.ts/)
    const folder = await cli('estafet contracts check --against nowhere')
    assert.equal(folder.code, 4)
    assert.match(folder.err, /There is no folder nowhere/)
    writeFileSync(join(cwd, 'contracts', 'orders.json'), '{"name":"orders"}')
    const file = await cli('estafet contracts check')
    assert.equal(file.code, 2)
    assert.match(file.err, /MISCONFIGURED: orders\.json is no contract file/)
  })
})
