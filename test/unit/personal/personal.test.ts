import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  erased,
  event,
  isEstafetError,
  preparer,
  type StoredMessage,
  SubjectErased,
  streamEvent,
  withoutKeys,
} from 'estafet'
import { memoryDatabase, memoryOutbox, memorySession, memoryVault, seededRandom, virtualClock } from 'estafet/memory'
import * as z from 'zod'
import { opened } from '../../../src/personal/open.ts'

const erasable = <Schema extends z.ZodType>(schema: Schema) => z.union([z.object({ $erased: z.literal(true) }), schema])
const schema = z.object({
  id: z.string(),
  name: erasable(z.string()),
  score: erasable(z.number()).optional(),
  addresses: z.array(z.object({ street: erasable(z.string()), city: z.string() })),
})
const Joined = event('members.joined', {
  ...{ version: 1, schema },
  key: ({ id }) => id,
  personal: { subject: ({ id }) => id, fields: ['name', 'score', 'addresses.street'] },
})
const ada = { id: 'm-1', name: 'Ada', score: 0, addresses: [{ street: 'A 1', city: 'B' }] }

async function published(data: z.infer<typeof schema>) {
  const database = memoryDatabase(virtualClock())
  const session = memorySession(database)
  const vault = memoryVault(session)
  const prepare = preparer({
    ...{ outbox: memoryOutbox(session, 'members'), clock: virtualClock(), random: seededRandom(1), vault },
  })
  const write = await prepare([Joined(data)])
  const tx = database.begin('me')
  await write(tx)
  database.commit(tx)
  const [message] = [...database.table<StoredMessage>('outbox').values()]
  assert.ok(message !== undefined)
  return { message, vault }
}

const code = (wanted: string, says: RegExp) => (error: unknown) =>
  isEstafetError(error, wanted as never) && says.test(error instanceof Error ? error.message : '')

test('personal fields are sealed one by one where they are, and open again; the rest stays readable', async () => {
  const { message, vault } = await published(ada)
  const data = JSON.parse(message.payload)
  assert.deepEqual([data.id, data.addresses[0].city], ['m-1', 'B'])
  for (const sealed of [data.name, data.score, data.addresses[0].street]) {
    assert.deepEqual(Object.keys(sealed).toSorted(), ['$sealed', 'subject'])
  }
  const [readable] = await opened(vault, [message])
  assert.deepEqual(Joined.receive(readable ?? message).data, ada)
})

test('without keys everything personal is erased, and without a vault nothing is read', async () => {
  const { message } = await published(ada)
  const [readable] = await opened(withoutKeys, [message])
  assert.deepEqual(Joined.receive(readable ?? message).data, {
    ...{ id: 'm-1', name: erased, score: erased, addresses: [{ street: erased, city: 'B' }] },
  })
  const [sealed] = await opened(null, [message])
  assert.throws(() => Joined.receive(sealed ?? message), code('UNDECODABLE', /give the service the vault/))
  assert.equal(Joined.keyOf(message), 'm-1')
})

test('what does not open stays sealed, and is refused for its message alone', async () => {
  const { message, vault } = await published(ada)
  const moved = { ...message, type: 'members.left' }
  const data = JSON.parse(message.payload)
  const swapped = { ...message, payload: JSON.stringify({ ...data, name: data.addresses[0].street }) }
  const broken = { ...message, payload: `{"name":{"$sealed":"x","subject":"m-1"}` }
  const deep = { ...message, payload: `${'['.repeat(5_000)}{"$sealed":"x","subject":"m-1"}${']'.repeat(5_000)}` }
  const all = await opened(vault, [moved, swapped, broken, deep, message])
  for (const each of all.slice(0, 4)) assert.throws(() => Joined.receive(each), code('UNDECODABLE', /./))
  assert.deepEqual(Joined.receive(all[4] ?? message).data, ada)
})

test('a sealed value of somebody else is refused, and so is one where nothing is said to be personal', async () => {
  const { message, vault } = await published(ada)
  const stolen = { ...message, payload: message.payload.replace('"id":"m-1"', '"id":"thief"') }
  const [readable] = await opened(vault, [stolen])
  assert.throws(() => Joined.receive(readable ?? stolen), code('UNDECODABLE', /somebody whom it is not about/))
  const Blind = event('members.joined', { version: 1, schema, key: ({ id }) => id })
  const [own] = await opened(vault, [message])
  assert.throws(() => Blind.receive(own ?? message), code('UNDECODABLE', /names no personal fields/))
})

test('a subject that no database takes is left sealed, and its neighbours open', async () => {
  const { message, vault } = await published(ada)
  const asked: string[] = []
  const watched: typeof vault = {
    ...vault,
    open(values) {
      asked.push(...values.map(({ subject }) => subject))
      return vault.open(values)
    },
  }
  const odd = ['a\u0000b', '', 'x'.repeat(513), '\ud800'].map((subject) => ({
    ...message,
    payload: JSON.stringify({ ...ada, name: { $sealed: 'x', subject } }),
  }))
  const all = await opened(watched, [...odd, message])
  for (const each of all.slice(0, -1)) assert.throws(() => Joined.receive(each), code('UNDECODABLE', /./))
  assert.deepEqual(Joined.receive(all.at(-1) ?? message).data, ada)
  assert.deepEqual([...new Set(asked)], ['m-1'])
})

test('a schema that makes something else of what is erased is refused, at its definition or where it is read', async () => {
  const with_ = (name: z.ZodType) =>
    event('members.joined', {
      ...{ version: 1, schema: z.object({ ...schema.shape, name }), key: ({ id }: { id: string }) => id },
      personal: { subject: ({ id }: { id: string }) => id, fields: ['name', 'score', 'addresses.street'] },
    })
  for (const name of [
    z.coerce.string(),
    z.string().catch(''),
    z.string(),
    z.object({ first: z.string().optional() }),
  ]) {
    assert.throws(() => with_(name), code('MISCONFIGURED', /must admit `erased` in the personal field name/))
  }
  // Its shape cannot be told.
  const Odd = with_(z.any().transform((value) => String(value)))
  const { message } = await published(ada)
  const [readable] = await opened(withoutKeys, [message])
  assert.throws(
    () => Odd.receive(readable ?? message),
    code('UNDECODABLE', /makes something else of what is erased at name/),
  )
})

test('what is erased already, or nothing, is not sealed', async () => {
  const { message } = await published({ ...ada, name: erased, score: undefined, addresses: [] })
  assert.deepEqual(JSON.parse(message.payload), { id: 'm-1', name: { $erased: true }, addresses: [] })
})

test('a definition whose schema refuses what is left of a person is MISCONFIGURED, with every field', () => {
  const define = (fields: readonly string[]) =>
    streamEvent('Joined', {
      version: 1,
      schema: z.object({ id: z.string(), name: z.string(), addresses: z.array(z.object({ street: z.string() })) }),
      personal: { subject: ({ id }) => id, fields },
    })
  assert.throws(
    () => define(['name', 'addresses.street', 'a..b']),
    code('MISCONFIGURED', /erased` in the personal field name; .* field addresses\.street; .*"a\.\.b" must be names/),
  )
  assert.throws(() => define([]), code('MISCONFIGURED', /personal names no fields/))
  assert.throws(() => define(['nmae']), code('MISCONFIGURED', /has no field nmae/))
  for (const twice of [
    ['name', 'name'],
    ['addresses', 'addresses.street'],
  ]) {
    assert.throws(() => define(twice), code('MISCONFIGURED', /is named twice, or within another one/))
  }
})

test('a subject or key that is personal itself is refused, and quotes nothing', () => {
  const define = (what: 'key' | 'subject') =>
    event('members.joined', {
      version: 1,
      schema,
      key: ({ id, name }) => (what === 'key' ? String(name) : id),
      personal: { subject: ({ id, name }) => (what === 'subject' ? String(name) : id), fields: ['name'] },
    })
  for (const what of ['key', 'subject'] as const) {
    assert.throws(
      () => define(what)(ada),
      (error) => code('INVALID_MESSAGE', /would stay in clear/)(error) && !String(error).includes('Ada'),
    )
  }
})

test('personal fields without a vault, and data that looks sealed, are refused before anything is written', async () => {
  const session = memorySession(memoryDatabase(virtualClock()))
  const parts = { outbox: memoryOutbox(session, 'm'), clock: virtualClock(), random: seededRandom(1) }
  await assert.rejects(
    async () => preparer(parts)([Joined(ada)]),
    code('MISCONFIGURED', /postgres\(pool, \{ vault \}\)/),
  )
  await assert.rejects(
    async () => preparer({ ...parts, vault: withoutKeys })([Joined(ada)]),
    code('MISCONFIGURED', /without keys/),
  )
  const Odd = event('odd.things', { version: 1, schema: z.record(z.string(), z.unknown()), key: () => 'k' })
  assert.throws(() => preparer(parts)([Odd({ a: [{ $sealed: 'x' }] })]), code('UNENCODABLE', /\$sealed/))
  const fine = await preparer(parts)([Odd({ text: 'a "$sealed": b', also: '$sealed' })])
  assert.equal(typeof fine, 'function')
})

test('what tells of an erased person says who it was, and nothing else', () => {
  const message = SubjectErased({ subject: 'm-1' })
  assert.deepEqual([message.type, message.key, message.data], ['privacy.subject-erased', 'm-1', { subject: 'm-1' }])
  // What no database takes must not reach one: the lane that has it would never get on.
  for (const subject of ['', 'a\u0000b', '\ud800', 'x'.repeat(513)]) {
    assert.throws(() => SubjectErased({ subject }), code('INVALID_MESSAGE', /subject/))
  }
})
