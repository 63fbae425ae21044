import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { command, compensate } from 'estafet'
import * as z from 'zod'
import type { MemoryTransaction } from '../../../src/drivers/memory/database.ts'
import { saga } from '../../../src/saga/saga.ts'
import { memoryDesk } from './memory-sagas.ts'

const nothing = z.object({})
const Reserve = command('depot.reserve', { version: 1, to: 'depot', schema: nothing, reply: nothing })
const Ship = command('depot.ship', { version: 1, to: 'depot', schema: nothing, reply: nothing, refusals: ['full'] })
const Parcel = saga<MemoryTransaction, typeof nothing, unknown>('parcel', {
  ...{ version: 1, input: nothing, uses: [Reserve, Ship] },
  async run(steps) {
    await steps.request('reserve', Reserve, {})
    const shipped = await steps.request('ship', Ship, {}, { isPivot: true })
    if (shipped.outcome !== 'done') return compensate(shipped.outcome)
    await steps.run('note', async () => null)
    return 'shipped'
  },
})
const program = { service: 'shop', of: [Parcel] }
const done = { outcome: 'done', result: {} } as const
const asked = (name: string) => ({ name, service: 'shop' })

/** One whose pivot was asked for, taken back by a person before it was answered. */
async function takenBack() {
  const desk = memoryDesk()
  await desk.begin(program, Parcel, 'p', {})
  await desk.answered(program, 'p', asked('reserve'), 'depot.reserve', 'request', done)
  await desk.person('p', { do: 'compensate' })
  await desk.turn(program, 'p')
  return desk
}

describe('a saga that is taken back while its pivot is under way', () => {
  test('takes back nothing before it knows what came of the pivot', async () => {
    const desk = await takenBack()
    assert.deepEqual(await desk.stands('p'), ['compensating', 'by hand', { reserve: 'done', ship: 'cancelling' }])
    assert.deepEqual(
      desk.sent.map(({ type }) => type),
      ['depot.reserve', 'depot.ship', 'depot.ship.cancel'],
    )
    // What it said before it was told to take it back says nothing about that.
    assert.equal(await desk.answered(program, 'p', asked('ship'), 'depot.ship', 'request', done), 'unchanged')
  })

  test('goes forward when the pivot was done, and says so', async () => {
    const desk = await takenBack()
    await desk.answered(program, 'p', asked('ship'), 'depot.ship', 'cancel', done)
    assert.deepEqual(await desk.stands('p'), ['completed', null, { reserve: 'done', ship: 'done', note: 'done' }])
    const pivot = (await desk.open('p')).steps.find(({ name }) => name === 'ship')
    assert.match(pivot?.note ?? '', /^it was done when the saga was to be taken back, because of by hand/)
  })

  test('is taken back when the pivot never is done', async () => {
    const desk = await takenBack()
    await desk.answered(program, 'p', asked('ship'), 'depot.ship', 'cancel', { outcome: 'cancelled' })
    assert.deepEqual((await desk.stands('p')).slice(0, 2), ['compensating', 'by hand'])
    await desk.answered(program, 'p', asked('reserve'), 'depot.reserve', 'cancel', { outcome: 'cancelled' })
    assert.deepEqual(await desk.stands('p'), ['compensated', 'by hand', { reserve: 'undone', ship: 'cancelled' }])
  })
})
