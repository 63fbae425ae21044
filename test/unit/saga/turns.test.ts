import assert from 'node:assert/strict'
import { test } from 'node:test'
import { awaits, command, compensate, event, isEstafetError, refuse, type Steps, saga } from 'estafet'
import type { MemoryTransaction } from 'estafet/memory'
import { does, type Participant, rehearse, rehearseCrashes } from 'estafet/simulation'
import * as z from 'zod'

const schema = z.object({})
const commandOf = (type: string) =>
  command(type, { version: 1, to: type.slice(0, type.indexOf('.')), schema, reply: z.object({}), refusals: ['no'] })
const [A, B, C] = [commandOf('one.do'), commandOf('two.do'), commandOf('three.do')]
const sagaOf = (run: (steps: Steps<MemoryTransaction>) => Promise<unknown>) =>
  saga<MemoryTransaction, typeof schema, unknown>('tried', { version: 1, input: schema, uses: [A, B, C], run })
const given = (a: number, b: number): Participant[] => [
  does(A, () => ({}), { takesMs: a }),
  does(B, () => ({}), { takesMs: b }),
  does(C, () => ({})),
]

test('branches that race come by the same steps in each turn, whichever was first', async () => {
  const racing = sagaOf(async (steps) => {
    const first = await Promise.race([
      steps.request('a', A, {}).then(() => 'a'),
      steps.request('b', B, {}).then(() => 'b'),
    ])
    await steps.request(`after-${first}`, C, {})
    return first
  })
  for (const [a, b, winner, loser] of [
    [5_000, 10, 'b', 'a'],
    [10, 5_000, 'a', 'b'],
  ] as const) {
    for (const end of await rehearseCrashes(racing, { input: {}, given: given(a, b) })) {
      assert.deepEqual([end.status, end.result], ['completed', winner])
      assert.equal(end.effects[winner], 1)
      assert.equal(end.effects[`after-${winner}`], 1)
      assert.equal(end.effects[loser] ?? 0, 0, 'what nobody waits for is taken back')
    }
  }
})

test('a request that races with a time takes one branch, in each turn the same', async () => {
  const limited = sagaOf(async (steps) => {
    const first = await Promise.race([
      steps.request('a', A, {}).then(() => 'answer'),
      steps.sleep('limit', 1_000).then(() => 'limit'),
    ])
    if (first === 'limit') return compensate('too slow')
    await steps.request('c', C, {})
    return first
  })
  const slow = await rehearse(limited, { input: {}, given: given(5_000, 0) })
  assert.deepEqual([slow.status, slow.failure, slow.effects], ['compensated', 'too slow', {}])
  const quick = await rehearse(limited, { input: {}, given: given(10, 0) })
  assert.deepEqual([quick.status, quick.result, quick.effects], ['completed', 'answer', { a: 1, c: 1 }])
})

test('branches that share a variable see it change in the same order in each turn', async () => {
  const shared = sagaOf(async (steps) => {
    const seen: string[] = []
    const branch = async (name: string, of: typeof A): Promise<void> => {
      await steps.request(name, of, {})
      seen.push(name)
      await steps.run(`note-${seen.join('-')}`, async () => seen.length)
    }
    await Promise.all([branch('a', A), branch('b', B)])
    return seen
  })
  for (const [a, b, order] of [
    [2_000, 10, ['b', 'a']],
    [10, 2_000, ['a', 'b']],
  ] as const) {
    for (const end of await rehearseCrashes(shared, { input: {}, given: given(a, b) })) {
      assert.deepEqual([end.status, end.result], ['completed', order])
      assert.equal(end.steps[`note-${order.join('-')}`], 'done')
    }
  }
})

test('what a function throws does not keep it from being taken back', async () => {
  let isBroken = false
  const broken = sagaOf(async (steps) => {
    await steps.request('a', A, {})
    const b = await steps.request('b', B, {})
    if (b.outcome !== 'done') {
      isBroken = true
      return compensate('no')
    }
    return null
  })
  const run: (typeof broken)['run'] = (steps, ...more) =>
    isBroken && steps.id !== '' ? broken.run(throwing(steps), ...more) : broken.run(steps, ...more)
  const end = await rehearse(
    { ...broken, run },
    { input: {}, given: [does(A, () => ({})), does(B, () => refuse('no'))] },
  )
  assert.deepEqual([end.status, end.failure, end.effects], ['compensated', 'no', { a: 0 }])
})

/** Steps whose first request throws. */
function throwing<Tx>(steps: Steps<Tx>): Steps<Tx> {
  return {
    ...steps,
    request: () => {
      throw new Error('The function is broken.')
    },
  }
}

test('a hundred steps one after the other are a hundred steps', async () => {
  const long = sagaOf(async (steps) => {
    let sum = 0
    for (let at = 0; at < 100; at++) sum += await steps.run(`step-${at}`, async () => 1)
    return sum
  })
  assert.equal((await rehearse(long, { input: {}, given: [] })).result, 100)
})

test('a fault in a step is not caught by the function, and nothing of the turn is kept', async () => {
  for (const wrong of [
    (steps: Steps<MemoryTransaction>) => steps.sleep('s', Number.NaN),
    (steps: Steps<MemoryTransaction>) => steps.sleep('s', 'tomorrow'),
    (steps: Steps<MemoryTransaction>) => steps.sleep('s', -1),
    (steps: Steps<MemoryTransaction>) => steps.request('r', A, {}, { timeoutMs: Number.NaN }),
    (steps: Steps<MemoryTransaction>) => steps.request('r', A, {}, { timeoutMs: 0 }),
    (steps: Steps<MemoryTransaction>) => steps.request('a:b', A, {}),
    (steps: Steps<MemoryTransaction>) => steps.request('', A, {}),
    (steps: Steps<MemoryTransaction>) => steps.request('r', commandOf('four.do'), {}),
    (steps: Steps<MemoryTransaction>) => Promise.all([steps.request('r', A, {}), steps.request('r', A, {})]),
  ]) {
    const faulty = sagaOf(async (steps) => {
      try {
        await wrong(steps)
      } catch {
        return 'caught'
      }
      return null
    })
    await assert.rejects(rehearse(faulty, { input: {}, given: given(0, 0) }), (error) =>
      isEstafetError(error, 'MISCONFIGURED'),
    )
  }
  const invalid = sagaOf(async (steps) => {
    await steps.request('r', A, 'nothing' as never).catch(() => null)
    return 'caught'
  })
  await assert.rejects(rehearse(invalid, { input: {}, given: given(0, 0) }), (error) =>
    isEstafetError(error, 'INVALID_MESSAGE'),
  )
})

test('a definition that could not work is refused when it is made', () => {
  const refused = (more: object): void =>
    assert.throws(
      () => saga('tried', { version: 1, input: schema, run: async () => null, ...more }),
      (error) => isEstafetError(error, 'MISCONFIGURED'),
    )
  for (const backOff of [
    { firstMs: Number.NaN, maxMs: 1 },
    { firstMs: 0, maxMs: 0 },
    { firstMs: 10, maxMs: 5 },
  ]) {
    refused({ backOff })
  }
  refused({ uses: [A, A] })
  refused({ continues: [1] })
  refused({ version: 0 })
  const Personal = event('one.happened', {
    version: 1,
    schema: z.object({ who: z.string(), name: z.union([z.object({ $erased: z.literal(true) }), z.string()]) }),
    key: ({ who }) => who,
    personal: { subject: ({ who }) => who, fields: ['name'] },
  })
  assert.throws(
    () => awaits(Personal, ({ data }) => data.who),
    (error) => isEstafetError(error, 'MISCONFIGURED') && /personal/.test(error.message),
  )
})
