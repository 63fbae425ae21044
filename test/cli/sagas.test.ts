import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Ended, envelopeOf } from './child.ts'
import { openShop, type Shop } from './shop.ts'

describe('the command line and sagas', () => {
  let shop: Shop
  before(async () => {
    shop = await openShop()
  })
  after(() => shop.close())

  const sagas = (line: string): Promise<Ended> => shop.cli(`estafet sagas ${line} --service orders`)
  const done = async (line: string): Promise<string> => {
    const { code, out, err } = await sagas(`${line} --reason "they phoned" --yes`)
    assert.deepEqual({ code, err }, { code: 0, err: '' }, line)
    return out
  }
  const is = (id: string, status: string): Promise<void> =>
    shop.until('orders', `SELECT status = '${status}' FROM estafet.saga WHERE id = '${id}'`)
  const stepIs = (id: string, step: string, state: string): Promise<void> =>
    shop.until(
      'orders',
      `SELECT bool_or(name = '${step}' AND state = '${state}') FROM estafet.saga_step WHERE saga = '${id}'`,
    )

  test('a saga is seen with its timeline, why it waits and what to type next; each line of that works', async () => {
    await shop.deliver("o'hara 1")
    const shown = await sagas(`show "o'hara 1"`)
    assert.equal(shown.code, 0, shown.err)
    assert.match(shown.out, /^saga +o'hara 1 of orders\ntype +delivery v1\nstate +running\n/)
    assert.match(
      shown.out,
      /\npack +run +done .*\| *=+ *\| +0 +- +-\ncourier +request courier\.send +waiting .*\| *-*>\| /,
    )
    assert.match(shown.out, /\n\nThe step courier waits for its answer\.\n\n/)
    const next = String.raw`estafet sagas answer 'o'\''hara 1' courier --done JSON --service orders --reason TEXT`
    assert.ok(shown.out.includes(next), shown.out)
    assert.doesNotMatch(shown.out, /orderId/)
    const told = await done(`answer "o'hara 1" courier --done {"courier":7}`)
    assert.match(told, /^answer: done for o'hara 1 of orders, which is running\nestafet sagas show /)
    await stepIs("o''hara 1", 'next day', 'waiting')
    const rests = await sagas(`show "o'hara 1" --payload`)
    assert.deepEqual([rests.code, rests.err], [0, ''])
    assert.match(rests.out, /estafet sagas fire 'o'\\''hara 1' 'next day' --service orders/)
    assert.match(rests.out, /input: \{\n {2}"orderId": "o'hara 1"\n\}\nvalue of pack: "packed"\nrequest of courier: /)
    await done(`fire "o'hara 1" "next day"`)
    await is("o''hara 1", 'completed')
    const ended = await sagas(`show "o'hara 1"`)
    assert.match(ended.out, /everything took effect\.\n\nestafet sagas compensate 'o'\\''hara 1' /)
    assert.equal((await sagas(`cancel "o'hara 1" --reason r --yes`)).code, 6)
    await done(`compensate "o'hara 1"`)
    await stepIs("o''hara 1", 'courier', 'undoing')
    await done(`answer "o'hara 1" courier --cancelled`)
    await is("o''hara 1", 'compensated')
  })

  test('a person must say why and that it is meant; asked again with the same id it is done once', async () => {
    await shop.deliver('a')
    for (const [line, code] of [
      ['cancel a --yes', 2],
      ['cancel a --reason r', 6],
      ['cancel a --dry-run', 0],
      ['answer a courier --reason r --yes', 2],
      ['answer a courier --done 1 --cancelled --reason r --yes', 2],
      ['answer a courier --done {x --reason r --yes', 2],
      ['answer a nothing --cancelled --reason r --yes', 6],
      ['skip a courier --reason r --yes', 6],
      ['cancel nobody --reason r --yes', 4],
      ['show nobody', 4],
      ['show ..', 2],
      ['list --status lost', 2],
      ['list --idle soon', 2],
    ] as const) {
      assert.deepEqual([line, (await sagas(line)).code], [line, code])
    }
    const dry = await sagas('cancel a --dry-run')
    assert.match(dry.out, /^a of orders is running\. The step courier waits for its answer\.\nEverything it did /)
    assert.equal((await shop.cli('estafet sagas show a')).code, 2)
    await is('a', 'running')
    assert.doesNotMatch(await done('retry a --request-id once'), /as before/)
    assert.match(await done('retry a --request-id once'), /, which is running, as before\n/)
    const eve = { env: { ESTAFET_TOKEN: shop.tokens.view } }
    assert.equal((await shop.cli('estafet sagas cancel a --reason r --yes --service orders', eve)).code, 6)
    const seen = await shop.cli('estafet sagas show a --payload --service orders', eve)
    assert.match(seen.out, /\(the token may not see payloads\)/)
    await done('cancel a')
    const { data } = envelopeOf(await shop.cli('estafet audit --service orders --json'))
    assert.ok(Array.isArray(data))
    assert.deepEqual(
      data.slice(-2).map(({ who, action, reason }) => [who, action, reason]),
      [
        ['ada', 'saga-retry', 'they phoned'],
        ['ada', 'saga-cancel', 'they phoned'],
      ],
    )
  })

  test('what is stuck is an alarm: in list, in status and in doctor, with what to type', async () => {
    await shop.deliver('late')
    await done('cancel late')
    await shop.waitFor(async () => (await shop.cli('estafet sagas list --stuck')).out.includes('late'))
    const stuck = await shop.cli('estafet sagas list --stuck')
    assert.equal(stuck.code, 1)
    assert.match(stuck.out, /\norders +late +delivery v1 +compensating, stuck .* A person should look: /)
    assert.match((await shop.cli('estafet status')).out, /STUCK SAGAS[\s\S]*\norders +ready +1\.0\.0 .* [12] {2}/)
    const doctor = await shop.cli('estafet doctor')
    assert.equal(doctor.code, 1)
    assert.match(
      doctor.out,
      /fail {2}orders: sagas: \d stuck, the longest for \d.*late\n {6}fix: estafet sagas show \S+ --service orders says why; /,
    )
    assert.match(doctor.out, /ok {4}billing: sagas: none is stuck/)
    const open = envelopeOf(await sagas('list --type delivery --idle 0s --json'))
    assert.ok(Array.isArray(open.data) && open.data.length >= 1)
    assert.equal((await sagas('list --type other')).out, 'No sagas.\n')
    await done('skip late courier')
    await is('late', 'compensated')
  })
})
