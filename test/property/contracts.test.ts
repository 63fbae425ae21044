import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { type EventType, event, on, service, type Upcasts } from 'estafet'
import fc from 'fast-check'
import { refusals } from '../../src/contracts/refused.ts'
import { type BreakKind, checkContracts, contracts, generated } from '../../src/contracts.ts'

type Drawn = { readonly [keyword: string]: unknown }
type Fields = Record<string, Drawn>
/** An object of a drawn schema, open to change. */
interface Node {
  properties: Fields
  required: string[]
}

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const scalar: fc.Arbitrary<Drawn> = fc.oneof(
  fc
    .record({ minLength: fc.nat(3), maxLength: fc.integer({ min: 3, max: 9 }) })
    .map((of) => ({ type: 'string', ...of })),
  fc.record({ minimum: fc.integer({ min: -9, max: 0 }), maximum: fc.nat(9) }).map((of) => ({ type: 'integer', ...of })),
  fc
    .uniqueArray(fc.constantFrom('x', 'y', 'z', 'w'), { minLength: 2 })
    .map((values) => ({ type: 'string', enum: values })),
  fc.constantFrom<Drawn>({ type: 'boolean' }, { type: 'number' }, { type: 'string' }),
)
const { object } = fc.letrec<{ schema: Drawn; object: Drawn }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3 },
    scalar,
    tie('object'),
    tie('schema').map((items) => ({ type: 'array', items })),
    tie('schema').map((schema) => ({ anyOf: [schema, { type: 'null' }] })),
  ),
  object: fc
    .dictionary(name, tie('schema'), { minKeys: 1, maxKeys: 4 })
    .chain((properties) =>
      fc
        .subarray(Object.keys(properties), { minLength: 1 })
        .map((required) => ({ type: 'object', properties, required })),
    ),
}))

/** Every object inside a schema, itself first. */
function nodesIn(schema: unknown): readonly Node[] {
  if (Array.isArray(schema)) return schema.flatMap(nodesIn)
  if (typeof schema !== 'object' || schema === null) return []
  const inner = Object.values(schema).flatMap(nodesIn)
  return isNode(schema) ? [schema, ...inner] : inner
}

function isNode(schema: object): schema is Node {
  return 'type' in schema && schema.type === 'object'
}

/** The schema with one of its objects changed; null when the change does not fit there. */
function changed(schema: Drawn, place: number, change: (node: Node) => boolean): Drawn | null {
  const copy = structuredClone(schema)
  const nodes = nodesIn(copy)
  const node = nodes[place % nodes.length]
  assert.ok(node !== undefined)
  return change(node) ? copy : null
}

function placed(
  reads: Drawn,
  writes = reads,
  more: { version?: number; topic?: string; upcast?: Upcasts } = {},
): EventType {
  const jsonSchema = { input: () => reads, output: () => writes }
  const validate = (value: unknown) => ({ value })
  const schema = { '~standard': { version: 1, vendor: 'drawn', validate, jsonSchema } } as const
  return event('order.placed', { version: 1, schema, key: () => 'k', ...more })
}

const nothing = async (): Promise<void> => {}
const system = (...publishes: EventType[]) =>
  contracts([
    { service: service<unknown>('orders', { publishes }), examples: publishes.slice(0, 1).map((type) => type({})) },
    service<unknown>('billing', { handlers: publishes.map((type) => on(type, nothing)) }),
  ])

function breaksOf(before: EventType, ...now: EventType[]) {
  return checkContracts(system(...now), generated(system(before), { contracts: [], samples: [] })).breaks
}

const fresh = 'new'
const additions: Readonly<Record<string, (reads: Node, writes: Node) => boolean>> = {
  nothing: () => true,
  'an optional field': (reads, writes) => {
    reads.properties[fresh] = { type: 'string' }
    writes.properties[fresh] = { type: 'string' }
    return true
  },
  'a field with a default': (reads, writes) => {
    reads.properties[fresh] = { type: 'string', default: '' }
    writes.properties[fresh] = { type: 'string', default: '' }
    writes.required.push(fresh)
    return true
  },
  'other words': (reads, writes) => {
    Object.assign(reads, { title: 'other', description: 'words' })
    Object.assign(writes, { title: 'other', description: 'words' })
    return true
  },
}
for (const [says, change] of Object.entries(additions)) {
  test(`an additive change is never refused: ${says}`, () => {
    fc.assert(
      fc.property(object, fc.nat(20), (schema, place) => {
        const [reads, writes] = [structuredClone(schema), structuredClone(schema)]
        const [mine, theirs] = [nodesIn(reads), nodesIn(writes)]
        const [one, other] = [mine[place % mine.length], theirs[place % theirs.length]]
        assert.ok(one !== undefined && other !== undefined && change(one, other))
        assert.deepEqual(breaksOf(placed(schema), placed(reads, writes)), [])
      }),
    )
  })
}

test('an additive change is never refused: a version with its upcast, another event', () => {
  fc.assert(
    fc.property(object, object, (schema, next) => {
      const before = placed(schema)
      assert.deepEqual(breaksOf(before, placed(next, next, { version: 2, upcast: { 1: () => ({}) } })), [])
      const other = event('order.paid', { version: 1, schema: before.schema, key: () => 'k' })
      assert.deepEqual(breaksOf(before, before, other), [])
    }),
  )
})

const kindsOf: Readonly<Record<string, readonly BreakKind[]>> = {
  'a required field': ['required'],
  'a required field that is gone': ['missing'],
  'a required field that may be missing': ['missing'],
  'a required field of another name': ['renamed'],
  'a value less of an enum': ['narrowed'],
  'a value more of an enum': ['widened'],
  'shorter text': ['narrowed'],
  'another type': ['changed'],
}
const refusedChanges: Readonly<Record<string, (node: Node) => boolean>> = {
  'a required field': (node) => {
    node.properties[fresh] = { type: 'string' }
    node.required.push(fresh)
    return true
  },
  'a required field that is gone': (node) => {
    const gone = node.required.shift()
    if (gone !== undefined) delete node.properties[gone]
    return gone !== undefined
  },
  'a required field that may be missing': (node) => node.required.shift() !== undefined,
  'a required field of another name': (node) => {
    const gone = node.required.shift()
    const schema = gone === undefined ? undefined : node.properties[gone]
    if (gone === undefined || schema === undefined) return false
    delete node.properties[gone]
    node.properties[fresh] = schema
    node.required.push(fresh)
    return true
  },
  'a value less of an enum': (node) =>
    replaced(node, (of) => (Array.isArray(of['enum']) ? { ...of, enum: of['enum'].slice(1) } : null)),
  'a value more of an enum': (node) =>
    replaced(node, (of) =>
      Array.isArray(of['enum']) && !of['enum'].includes(fresh) ? { ...of, enum: [...of['enum'], fresh] } : null,
    ),
  'shorter text': (node) =>
    replaced(
      node,
      (of) => ('maxLength' in of ? { ...of, minLength: 0, maxLength: Number(of['maxLength']) - 1 } : null),
      0,
    ),
  'another type': (node) =>
    replaced(node, (of) => ('type' in of ? { type: of['type'] === 'boolean' ? 'string' : 'boolean' } : null)),
}

/** Changes the first field that the change fits. */
function replaced(node: Node, change: (schema: Drawn) => Drawn | null, least = -1): boolean {
  for (const [field, schema] of Object.entries(node.properties)) {
    const next = change(schema)
    // Where the least length grows smaller at the same time, the change is of both kinds.
    if (next === null || (least >= 0 && schema['minLength'] !== least)) continue
    node.properties[field] = next
    return true
  }
  return false
}

for (const [says, change] of Object.entries(refusedChanges)) {
  test(`a change that breaks somebody is always refused: ${says}`, () => {
    let tried = 0
    fc.assert(
      fc.property(object, fc.nat(20), (schema, place) => {
        const next = changed(schema, place, change)
        fc.pre(next !== null)
        tried += 1
        const kinds = breaksOf(placed(schema), placed(next)).map(({ kind }) => kind)
        assert.deepEqual(kinds, kindsOf[says])
      }),
      // Many a schema has nothing that the change fits.
      { maxSkipsPerRun: 1_000 },
    )
    assert.ok(tried >= 100)
  })
}

test('a change that breaks somebody is always refused: topic, version, the event itself', () => {
  fc.assert(
    fc.property(object, (schema) => {
      const before = placed(schema)
      const second = placed(schema, schema, { version: 2, upcast: { 1: () => ({}) } })
      const kinds = (from: EventType, ...now: EventType[]) => breaksOf(from, ...now).map(({ kind }) => kind)
      assert.deepEqual(kinds(before, placed(schema, schema, { topic: 'elsewhere' })), ['moved'])
      assert.deepEqual(kinds(second, before), ['lowered'])
      assert.deepEqual(kinds(before), ['removed'])
    }),
  )
})

/** Values that a schema describes, as a writer makes them: without fields that it does not declare. */
function aValueOf(schema: Drawn): fc.Arbitrary<unknown> {
  const { type, enum: values, anyOf, items, minLength, maxLength, minimum, maximum } = schema
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map((each: Drawn) => aValueOf(each)))
  if (Array.isArray(values)) return fc.constantFrom(...values)
  if (isNode(schema)) {
    const { properties, required } = schema
    const fields = Object.fromEntries(Object.entries(properties).map(([field, each]) => [field, aValueOf(each)]))
    return fc.record(fields, { requiredKeys: required })
  }
  if (type === 'array') return fc.array(aValueOf(isDrawn(items) ? items : {}), { maxLength: 3 })
  if (type === 'string')
    return fc.string({ minLength: Number(minLength ?? 0), maxLength: Number(maxLength ?? 12), unit: 'binary' })
  if (type === 'integer') return fc.integer({ min: Number(minimum ?? -20), max: Number(maximum ?? 20) })
  if (type === 'number') return fc.double({ noNaN: true, noDefaultInfinity: true })
  return type === 'null' ? fc.constant(null) : fc.boolean()
}

function isDrawn(value: unknown): value is Drawn {
  return typeof value === 'object' && value !== null
}

test('what is told to be accepted is accepted, by the judgement of another validator', () => {
  let accepted = 0
  const changes = [
    ...Object.values(refusedChanges),
    ...Object.values(additions).map((each) => (node: Node) => each(node, node)),
  ]
  fc.assert(
    fc.property(
      object.chain((schema) => fc.tuple(fc.constant(schema), aValueOf(schema))),
      fc.array(fc.tuple(fc.nat(20), fc.nat(changes.length - 1)), { maxLength: 3 }),
      ([writes, value], steps) => {
        let reads = writes
        for (const [place, at] of steps) reads = changed(reads, place, changes[at] ?? (() => false)) ?? reads
        if (refusals(writes, reads).length > 0) return
        accepted += 1
        assert.ok(new Ajv({ strict: false }).validate(reads, value))
      },
    ),
    { numRuns: 100 },
  )
  assert.ok(accepted >= 10)
})
