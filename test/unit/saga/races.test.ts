import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { command, compensate, type Steps } from 'estafet'
import { type Sql, saga } from 'estafet/postgres'
import { does, rehearse, rehearseCrashes } from 'estafet/simulation'
import * as z from 'zod'

const nothing = z.object({})
const A = command('hotel.a', { version: 1, to: 'hotel', schema: nothing, reply: nothing })
const B = command('hotel.b', { version: 1, to: 'hotel', schema: nothing, reply: nothing })
const Pay = command('bank.pay', { version: 1, to: 'bank', schema: nothing, reply: nothing })

function raceOf(run: (steps: Steps<Sql>) => Promise<unknown>) {
  return saga('race', { version: 1, input: nothing, uses: [A, B, Pay], run: (steps) => run(steps) })
}

describe('a saga that has returned', () => {
  test('takes back what a branch asked for that nobody waits for, and asks no more, however that branch insists', async () => {
    const insisting = raceOf(async (steps) => {
      const insist = async (): Promise<string> => {
        for (let time = 1; ; time++) {
          const answer = await steps.request(`b-${time}`, B, {})
          if (answer.outcome === 'done') return 'b'
        }
      }
      return Promise.race([steps.request('a', A, {}).then(() => 'a'), insist()])
    })
    const given = [does(A, () => ({})), does(B, () => ({}), { takesMs: 10_000 })]
    for (const end of await rehearseCrashes(insisting, { input: {}, given })) {
      assert.deepEqual([end.status, end.result, end.effects], ['completed', 'a', { a: 1 }])
      assert.deepEqual(end.steps, { a: 'done', 'b-1': 'cancelled' })
    }
  })

  test('begins nothing more in its other branches', async () => {
    const later = raceOf(async (steps) => {
      const second = async (): Promise<string> => {
        await steps.request('b', B, {})
        await steps.run('note', async () => null)
        await steps.request('pay', Pay, {})
        return 'b'
      }
      return Promise.race([steps.request('a', A, {}).then(() => 'a'), second()])
    })
    const given = [does(A, () => ({})), does(B, () => ({}), { takesMs: 10_000 }), does(Pay, () => ({}))]
    const end = await rehearse(later, { input: {}, given })
    assert.deepEqual([end.status, end.steps], ['completed', { a: 'done', b: 'cancelled' }])
  })

  test('and wants to be taken back, takes back what its other branches did', async () => {
    const undone: string[] = []
    const both = raceOf(async (steps) => {
      const note = (name: string) =>
        steps.run(name, async () => name, { undo: async (result) => void undone.push(result) })
      const second = async (): Promise<null> => {
        await steps.request('b', B, {})
        await note('noted')
        return null
      }
      const other = second()
      await steps.request('a', A, {})
      await Promise.race([other, steps.sleep('a while', 60_000)])
      return compensate('enough')
    })
    const given = [does(A, () => ({}), { takesMs: 5_000 }), does(B, () => ({}))]
    const end = await rehearse(both, { input: {}, given })
    assert.deepEqual([end.status, end.effects, undone], ['compensated', { a: 0, b: 0 }, ['noted']])
  })
})
