import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import * as z from 'zod'
import { commands } from '../../src/cli/commands.ts'
import { envelopeSchema } from '../../src/cli/envelope.ts'
import { envelopeOf } from './child.ts'
import { openShop, type Shop } from './shop.ts'

const at = (path: string): string => JSON.stringify(new URL(`../../${path}`, import.meta.url).href)
/** The events of the shop as a user has them in a module; by address, for nothing is installed where it stands. */
const contractModule = `import { service } from ${at('src/index.ts')}
import { contracts } from ${at('src/contracts.ts')}
import { OrderPlaced } from ${at('test/cli/shop.ts')}
const orders = service('orders', { publishes: [OrderPlaced] })
export default contracts([{ service: orders, examples: [OrderPlaced({ orderId: 'A-1' })] }])
`

const schema = z.fromJSONSchema(JSON.parse(JSON.stringify(envelopeSchema)))

describe('every example of every command runs against real services', () => {
  let shop: Shop
  let letters = 0
  let files = 0
  let deliveries = 0

  before(async () => {
    shop = await openShop()
    await shop.place('A-1', 'A-2')
    writeFileSync(join(shop.cwd, 'order.json'), '{"orderId":"A-3"}')
    writeFileSync(join(shop.cwd, 'fixed.json'), '{"orderId":"F-1"}')
    writeFileSync(join(shop.cwd, 'contracts.ts'), contractModule)
    await deadLetter()
  })
  after(() => shop.close())

  /** A new dead letter of billing, by its number. */
  async function deadLetter(): Promise<string> {
    letters += 1
    const key = `dead-${letters}`
    shop.rejectedOrders.add(key)
    await shop.place(key)
    const where = `WHERE state = 'dead' AND key = '${key}'`
    await shop.until('billing', `SELECT count(*) = 1 FROM estafet.parked_message ${where}`)
    return String(
      (await shop.sql('billing', `SELECT number::text FROM estafet.parked_message ${where}`))[0]?.['number'],
    )
  }

  /** A job that will take half a minute, by its number. */
  async function slowRedrive(): Promise<string> {
    const numbers = []
    for (let count = 0; count < 30; count++) numbers.push(`billing/${await deadLetter()}`)
    const begun = await shop.cli(`estafet dead-letters redrive ${numbers.join(' ')} --rate 1 --yes --json`)
    assert.equal(begun.code, 0, begun.out)
    const { data } = envelopeOf(begun)
    assert.ok(typeof data === 'object' && data !== null && 'number' in data && typeof data.number === 'string')
    return data.number
  }

  async function replaced(): Promise<string> {
    const number = await deadLetter()
    const edited = await shop.cli(`estafet dead-letters edit billing/${number} @fixed.json --yes`)
    assert.equal(edited.code, 0, edited.err)
    return number
  }

  /** A saga that waits for its courier, by its number. */
  async function delivery(): Promise<string> {
    deliveries += 1
    await shop.deliver(`delivery-${deliveries}`)
    return String(deliveries)
  }

  /** What must be there before an example: the number that stands for the one in its text. */
  const scenes: Readonly<Record<string, () => Promise<string>>> = {
    'dead-letters show': deadLetter,
    'dead-letters diff': replaced,
    'dead-letters edit': deadLetter,
    'dead-letters discard': deadLetter,
    'dead-letters redrive': async () => {
      const number = await deadLetter()
      shop.rejectedOrders.clear()
      return number
    },
    'dead-letters dry-run': async () => {
      const number = await deadLetter()
      shop.rejectedOrders.clear()
      return number
    },
    // History must not overtake what is parked.
    'subscriptions replay': async () => {
      const given = await shop.cli('estafet dead-letters discard --service billing --all --yes --reason "a replay"')
      assert.equal(given.code, 0, given.err)
      await shop.until('billing', 'SELECT count(*) = 0 FROM estafet.parked_key')
      return '0'
    },
    // The example before it has begun a second build, which serves when it has caught up.
    'projections promote': async () => {
      await shop.until(
        'orders',
        `SELECT count(*) = 1 FROM estafet.projection_build WHERE build = 2 AND state = 'serving'`,
      )
      return '0'
    },
    'sagas show': () => delivery(),
    'sagas answer': () => delivery(),
    'sagas fire': () => delivery(),
    'sagas retry': () => delivery(),
    'sagas compensate': () => delivery(),
    'sagas cancel': () => delivery(),
    'sagas skip': async () => {
      const number = await delivery()
      const line = `estafet sagas cancel delivery-${number} --reason "taken back" --service orders --yes`
      assert.equal((await shop.cli(line)).code, 0)
      await shop.until(
        'orders',
        `SELECT state = 'undoing' FROM estafet.saga_step WHERE saga = 'delivery-${number}' AND name = 'courier'`,
      )
      return number
    },
    'flows show': async () => {
      await shop.travel('trip-1')
      return '1'
    },
    'redrives show': slowRedrive,
    'redrives pause': slowRedrive,
    'redrives cancel': slowRedrive,
    'redrives resume': async () => {
      const number = await slowRedrive()
      assert.equal((await shop.cli(`estafet redrives pause billing/${number}`)).code, 0)
      return number
    },
  }

  for (const command of commands.filter(({ reaches }) => reaches !== 'database')) {
    for (const { line } of command.examples) {
      test(line, async () => {
        const number = await scenes[command.name]?.()
        const real = number === undefined ? line : line.replace(/(billing\/|delivery-|trip-)\d+/, `$1${number}`)
        const { code, out, err } = await shop.cli(real)
        assert.deepEqual({ code, err }, { code: 0, err: '' })
        assert.ok(out.length > 0)
        // What changes something has done so now, and cannot be done twice.
        if ('yes' in command.options || command.name.startsWith('redrives')) return
        if (existsSync(join(shop.cwd, 'dead.jsonl'))) files += 1
        const again = await shop.cli(`${real.replace('dead.jsonl', `dead-${files}.jsonl`)} --json`)
        assert.deepEqual({ code: again.code, err: again.err }, { code: 0, err: '' })
        for (const each of again.out.trimEnd().split('\n')) assert.ok(schema.safeParse(JSON.parse(each)).success, each)
      })
    }
  }

  test('the examples are of all commands, and the file of the export can be kept by its owner only', async () => {
    const first = join(shop.cwd, 'dead.jsonl')
    assert.ok(existsSync(first))
    const again = await shop.cli('estafet dead-letters export --service billing --output dead.jsonl')
    assert.equal(again.code, 2)
    rmSync(first)
    assert.equal((await shop.cli('estafet dead-letters export --service billing --output dead.jsonl')).code, 0)
  })
})
