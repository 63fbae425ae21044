import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type EventType, event, on, type Service, service, streamEvent } from 'estafet'
import * as z from 'zod'
import { type Break, type Committed, checkContracts, contracts, generated } from '../../../src/contracts.ts'

const v1 = z.object({ orderId: z.string(), total: z.number(), status: z.enum(['new', 'paid']) })
type Options = Partial<Parameters<typeof event<z.ZodObject>>[1]>
const placed = (options: Options = {}) =>
  event('order.placed', { version: 1, schema: v1, key: ({ orderId }) => String(orderId), ...options })
const data = { orderId: 'A-1', total: 5, status: 'new' }

const nothing = async (): Promise<void> => {}
const consumer = (type: EventType<never, unknown>): Service<unknown> =>
  service('billing', { handlers: [on(type, nothing)] })
const publisher = (...types: EventType<never, unknown>[]): Service<unknown> => service('orders', { publishes: types })

const none: Committed = { contracts: [], samples: [] }
const first = placed()
const before = generated(contracts([{ service: publisher(first), examples: [first(data)] }, consumer(first)]), none)

/** What breaks when only the event is defined anew, in both services. */
function breaksOf(type: EventType<never, unknown>): readonly Break[] {
  return checkContracts(contracts([publisher(type), consumer(type)]), before).breaks
}

const told = (breaks: readonly Break[]): readonly string[] =>
  breaks.map(({ kind, field, breaks: whom }) => `${kind} ${field ?? '-'} ${whom.join('+')}`)

test('what did not change breaks nobody, and is current', () => {
  const today = contracts([{ service: publisher(first), examples: [first(data)] }, consumer(first)])
  assert.deepEqual(checkContracts(today, before), { breaks: [], notes: [] })
  assert.deepEqual(generated(today, before), before)
})

const additions: readonly (readonly [says: string, EventType<never, unknown>])[] = [
  ['an optional field', placed({ schema: v1.extend({ note: z.string().optional() }) })],
  ['a field with a default', placed({ schema: v1.extend({ note: z.string().default('') }) })],
  ['another description', placed({ schema: v1.describe('what was ordered') })],
  [
    'a version with its upcast',
    placed({
      version: 2,
      schema: v1.extend({ note: z.string() }),
      upcast: { 1: (old: object) => ({ ...old, note: '' }) },
    }),
  ],
]
for (const [says, type] of additions) {
  test(`${says} breaks nobody, and is news`, () => {
    const today = contracts([publisher(type), consumer(type)])
    assert.deepEqual(checkContracts(today, before).breaks, [])
    assert.notDeepEqual(generated(today, before), before)
  })
}

const breaking: readonly (readonly [says: string, EventType<never, unknown>, readonly string[]])[] = [
  ['a required field', placed({ schema: v1.extend({ note: z.string() }) }), ['required note stored']],
  ['a required field less', placed({ schema: v1.omit({ total: true }) }), ['missing total consumers']],
  [
    'another name of a field',
    placed({ schema: v1.omit({ total: true }).extend({ amount: z.number() }) }),
    ['renamed total stored+consumers'],
  ],
  ['fewer values', placed({ schema: v1.extend({ status: z.enum(['new']) }) }), ['narrowed status stored']],
  [
    'more values',
    placed({ schema: v1.extend({ status: z.enum(['new', 'paid', 'lost']) }) }),
    ['widened status consumers'],
  ],
  ['another type', placed({ schema: v1.extend({ total: z.string() }) }), ['changed total stored+consumers']],
  ['another topic', placed({ topic: 'orders' }), ['moved - consumers']],
  ['another key', placed({ key: ({ status }) => String(status) }), ['rekeyed - consumers']],
  [
    'a wrong upcast',
    placed({ version: 2, schema: v1.extend({ note: z.string() }), upcast: { 1: (old: unknown) => old } }),
    ['unreadable - stored'],
  ],
  ['a version that is read no more', placed({ version: 2, since: 2 }), ['dropped - stored']],
]
for (const [says, type, expected] of breaking) {
  test(`${says} breaks: ${expected.join(', ')}`, () => {
    const breaks = breaksOf(type)
    assert.deepEqual(told(breaks), expected)
    for (const each of breaks) {
      assert.deepEqual([each.service, each.type, each.consumers], ['orders', 'order.placed', ['billing']])
      assert.match(each.says, /^\S.*\.$/)
      assert.match(each.todo, /^\S.*\.$/)
      assert.doesNotMatch(JSON.stringify(each), /A-1/)
    }
  })
}

test('a version that goes back breaks both', () => {
  const second = placed({ version: 2, upcast: { 1: (old: unknown) => old } })
  const later = generated(contracts([publisher(second), consumer(second)]), before)
  const verdict = checkContracts(contracts([publisher(first), consumer(first)]), later)
  assert.deepEqual(told(verdict.breaks), ['lowered - stored+consumers'])
})

test('an event that is gone is missed by its consumers, and by a service that is gone with it', () => {
  const gone = checkContracts(contracts([publisher(), consumer(first)]), before)
  assert.deepEqual(told(gone.breaks), ['removed - stored+consumers'])
  assert.deepEqual(gone.breaks[0]?.consumers, ['billing'])
  const service = checkContracts(contracts([consumer(first)]), before)
  assert.match(service.breaks[0]?.says ?? '', /the service orders is gone/)
})

test('consumers are also those of before, which may run still', () => {
  const verdict = checkContracts(contracts([publisher()]), before)
  assert.deepEqual(
    verdict.breaks.map(({ type, consumers }) => [type, consumers]),
    [['order.placed', ['billing']]],
  )
})

describe('a consumer with a definition of its own', () => {
  const second = placed({ version: 2, upcast: { 1: (old: unknown) => old } })

  test('is behind when it does not read what is written', () => {
    const { breaks } = checkContracts(contracts([publisher(second), consumer(first)]), before)
    assert.deepEqual(told(breaks), ['behind - consumers'])
    assert.match(breaks[0]?.todo ?? '', /release billing before orders/)
  })

  test('cannot wait in another topic', () => {
    const { breaks } = checkContracts(contracts([publisher(first), consumer(placed({ topic: 'orders' }))]), before)
    assert.deepEqual(told(breaks), ['moved - consumers'])
  })

  test('must read the samples of the publisher, and its name is told', () => {
    const stricter = placed({ schema: v1.extend({ total: z.number().min(10) }) })
    const { breaks } = checkContracts(contracts([publisher(first), consumer(stricter)]), before)
    assert.deepEqual(told(breaks), ['unreadable - consumers'])
    assert.deepEqual(breaks[0]?.consumers, ['billing'])
    assert.match(breaks[0]?.says ?? '', /cannot be read by billing .*total/)
  })

  test('reads each version by the handler that takes it', () => {
    const of = (type: EventType<never, unknown>, name: string) => on<unknown, unknown>(type, nothing, { name })
    const newest = placed({ version: 2, since: 2 })
    const both = service('billing', { handlers: [of(first, 'one'), of(newest, 'two')] })
    const today = contracts([publisher(second), both])
    assert.deepEqual(checkContracts(today, before).breaks, [])
  })
})

test('a publisher may have a definition for each version', () => {
  const newest = placed({ version: 2, since: 2, schema: v1.extend({ note: z.string() }) })
  const today = contracts([{ service: publisher(first, newest), examples: [newest({ ...data, note: '' })] }])
  const { breaks, notes } = checkContracts(today, before)
  assert.deepEqual([breaks, notes], [[], []])
  const { versions } = today.services[0]?.contract.publishes['order.placed'] ?? {}
  assert.deepEqual(Object.keys(versions ?? {}), ['1', '2'])
})

describe('private events', () => {
  const added = (schema: z.ZodObject, version = 1) =>
    streamEvent('ItemAdded', { version, schema, ...(version === 2 ? { upcast: { 1: (old: unknown) => old } } : {}) })
  const item = z.object({ product: z.string() })
  const cart = service<unknown>('cart', {})
  const keep = (type: ReturnType<typeof added>) => contracts([{ service: cart, keeps: [type] }])
  const type = added(item)
  const kept = generated(contracts([{ service: cart, keeps: [type], examples: [type({ product: 'secret-1' })] }]), none)

  test('must stay readable, and may write what others could not read', () => {
    assert.deepEqual(checkContracts(keep(added(item.partial())), kept).breaks, [])
    const { breaks } = checkContracts(keep(added(item.extend({ count: z.int() }))), kept)
    assert.deepEqual(told(breaks), ['required count stored'])
    assert.doesNotMatch(JSON.stringify(breaks), /secret-1/)
  })

  test('have samples, which upcasts are run over', () => {
    const { breaks } = checkContracts(keep(added(item.extend({ count: z.int() }), 2)), kept)
    assert.deepEqual(told(breaks), ['unreadable - stored'])
  })

  test('cannot go: streams hold them', () => {
    const { breaks } = checkContracts(contracts([cart]), kept)
    assert.match(breaks[0]?.todo ?? '', /streams/)
  })
})

describe('what is generated', () => {
  const second = placed({
    version: 2,
    schema: v1.extend({ note: z.string() }),
    upcast: { 1: (old: object) => ({ ...old, note: '' }) },
  })
  const example = second({ ...data, note: 'x' })
  const today = contracts([{ service: publisher(second), examples: [example] }])

  test('keeps the shapes and the samples of older versions', () => {
    const next = generated(today, before)
    assert.deepEqual(Object.keys(next.contracts[0]?.publishes['order.placed']?.versions ?? {}), ['1', '2'])
    assert.deepEqual(
      next.samples.map(({ version }) => version),
      [1, 2],
    )
    assert.deepEqual(generated(today, next), next)
  })

  test('never changes a sample', () => {
    const other = contracts([{ service: publisher(first), examples: [first({ ...data, orderId: 'B-2' })] }])
    assert.deepEqual(generated(other, before).samples, before.samples)
  })

  test('says which versions have no sample', () => {
    const { notes } = checkContracts(contracts([publisher(second)]), none)
    assert.deepEqual(notes.length, 1)
    assert.match(notes[0] ?? '', /orders has no sample of order\.placed 2/)
  })
})

describe('MISCONFIGURED is thrown for', () => {
  const refused = (make: () => unknown, message: RegExp) =>
    assert.throws(make, (error) => {
      assert.ok(error instanceof Error && 'code' in error)
      assert.equal(error.code, 'MISCONFIGURED')
      assert.match(error.message, message)
      return true
    })

  test('two services of one name', () => {
    refused(() => contracts([publisher(first), publisher(first)]), /a service twice: orders/)
  })

  test('an example of what is not defined', () => {
    refused(() => contracts([{ service: publisher(), examples: [first(data)] }]), /order\.placed 1/)
  })

  test('one version in two definitions, and two topics of one type', () => {
    refused(() => contracts([publisher(first, placed())]), /version 1 of order\.placed is defined twice/)
    refused(
      () => contracts([publisher(first, placed({ version: 2, since: 2, topic: 'x' }))]),
      /several topics: order, x/,
    )
  })

  test('a schema that nobody can tell, which a converter can', () => {
    const plain = { version: 1, vendor: 'homemade', validate: (value: unknown) => ({ value: value }) } as const
    const type = event('order.placed', { version: 1, schema: { '~standard': plain }, key: () => 'k' })
    refused(() => contracts([publisher(type)]), /homemade.*toJsonSchema/)
    const told = contracts([publisher(type)], { toJsonSchema: () => ({ type: 'object' }) })
    assert.deepEqual(told.services[0]?.contract.publishes['order.placed']?.versions, {
      1: { schema: { type: 'object' } },
    })
  })

  test('not for a transform: what goes in stands for what comes out', () => {
    const type = event('order.placed', {
      version: 1,
      schema: z.object({ id: z.union([z.string(), z.int()]).transform(String) }),
      key: ({ id }) => id,
    })
    const { versions } = contracts([publisher(type)]).services[0]?.contract.publishes['order.placed'] ?? {}
    assert.match(JSON.stringify(versions), /"anyOf"/)
  })
})

test("zod's own converter can be given as it is", () => {
  const asked = contracts([publisher(first)])
  const given = contracts([publisher(first)], { toJsonSchema: z.toJSONSchema })
  assert.deepEqual(given.services[0]?.contract, asked.services[0]?.contract)
})
