import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type CopyParts,
  copiedFromHeader,
  copyStreams,
  type EncodedEvent,
  type EventStore,
  isEstafetError,
  isStreamCopy,
  type OutgoingEvent,
  previewCopies,
  type RecordedEvent,
  type StreamAppend,
  streamCopy,
  streamEvent,
  verifyCopies,
} from 'estafet'
import {
  type MemoryTransaction,
  memoryDatabase,
  memoryEventStore,
  memorySession,
  memoryStreamIndex,
  memoryUnitOfWork,
  virtualClock,
} from 'estafet/memory'
import * as z from 'zod'
import type { Vault } from '../../../src/ports/vault.ts'
import { created, NamesGiven, PageSeen, UserV1, userCopy } from './user.ts'

type Parts = CopyParts<MemoryTransaction>

const all = { after: 0, upTo: null, limit: 10_000 }
let ids = 0
const newId = (): string => `00000000-0000-7000-8000-${String(++ids).padStart(12, '0')}`

function encoded({ type, version, data, context }: OutgoingEvent, more: Partial<EncodedEvent> = {}): EncodedEvent {
  const id = newId()
  return {
    ...{ id, type, version, payload: JSON.stringify(data), correlationId: context.correlationId ?? id },
    ...{ causationId: context.causationId ?? null, traceparent: context.traceparent ?? null },
    ...{ headers: context.headers ?? {}, ...more },
  }
}

function memory() {
  const session = memorySession(memoryDatabase(virtualClock()))
  const parts: Parts = {
    ...{ events: memoryEventStore(session, 'users'), index: memoryStreamIndex(session) },
    ...{ unitOfWork: memoryUnitOfWork(session), vault: null, newId },
  }
  const write = async (type: string, id: string, events: readonly EncodedEvent[], more: Partial<StreamAppend> = {}) =>
    parts.unitOfWork.run((tx) =>
      parts.events.append(tx, [{ stream: { type, id }, expected: 'any', events, appendId: null, ...more }]),
    )
  const read = (id: string, type = 'user-v2') => parts.events.read({ type, id }, all)
  const add = (id: string, ...events: readonly OutgoingEvent[]) =>
    write(
      'user',
      id,
      events.map((each) => encoded(each)),
    )
  return { parts, write, add, read }
}

const brief = (events: readonly RecordedEvent[]) =>
  events.map(({ type, version, payload }) => [type, version, JSON.parse(payload)])
const says = ({
  differences,
}: {
  readonly differences: readonly { readonly stream: string; readonly says: string }[]
}) => differences.map((each) => `${each.stream}: ${each.says}`)

async function example() {
  const users = memory()
  await users.add('u-1', created('u-1'), PageSeen({ page: 'home' }), NamesGiven({ names: ['Ada', 'Bea'] }))
  await users.add('u-2', PageSeen({ page: 'home' }))
  await users.add('u-3', created('u-3'), NamesGiven({ names: ['Cy'] }), PageSeen({ page: 'end' }))
  return users
}

describe('copies of streams', () => {
  test('are what the transformation makes: none, one or several events, in their order', async () => {
    const { parts, read } = await example()
    const { streams, copies, faults } = await copyStreams(parts, userCopy())
    assert.deepEqual([streams, copies, faults], [3, 5, []])
    const [one, two, three] = [await read('u-1'), await read('u-2'), await read('u-3')]
    assert.deepEqual(brief(one ?? []), [
      ['UserCreated', 2, { id: 'u-1', name: 'name of u-1', email: 'u-1@example.org', age: null, preferences: {} }],
      ['NameGiven', 1, { name: 'Ada' }],
      ['NameGiven', 1, { name: 'Bea' }],
    ])
    assert.deepEqual([two?.length, three?.length], [0, 2])
    const verdict = await verifyCopies(parts, userCopy())
    assert.deepEqual(verdict, {
      ...{ streams: 3, closed: 0, events: 7, copies: 5, dropped: { PageSeen: 3 }, behind: 0, different: 0 },
      ...{ differences: [], isStopped: false },
    })
  })

  test('keep correlation, causation, trace and headers, and say of which event they are', async () => {
    const { parts, write, read } = memory()
    const context = {
      correlationId: 'c-1',
      causationId: 'c-2',
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    }
    const event = encoded({ ...created('u-1'), context: { ...context, headers: { tenant: 't-1' } } })
    await write('user', 'u-1', [encoded(PageSeen({ page: 'a' })), event, encoded(created('u-1'))])
    await copyStreams(parts, userCopy())
    const [copied, own] = await read('u-1')
    const source = (await read('u-1', 'user'))[1]
    assert.deepEqual(
      [copied?.correlationId, copied?.causationId, copied?.traceparent],
      [context.correlationId, context.causationId, context.traceparent],
    )
    assert.deepEqual(copied?.headers, { tenant: 't-1', [copiedFromHeader]: `${source?.position}/2/user` })
    assert.notEqual(copied?.id, source?.id)
    assert.equal(own?.correlationId, (await read('u-1', 'user'))[2]?.id, 'what began with the event itself')
  })

  test('of an event that is handed on have its text, number by number', async () => {
    const { parts, write, read } = memory()
    const payload = '{"a": 1.0,  "b":12345678901234567890}'
    await write('user', 'u-1', [
      encoded(PageSeen({ page: '' }), { payload }),
      encoded(PageSeen({ page: '' }), { payload }),
    ])
    const transform = (event: Parameters<ReturnType<typeof userCopy>['transform']>[0]) =>
      event.streamVersion === 1 ? event : { ...event, type: 'Seen', version: 3 }
    const copy = streamCopy({ from: 'user', to: 'user-v2', transform })
    await copyStreams(parts, copy)
    assert.deepEqual(
      (await read('u-1')).map((event) => [event.type, event.version, event.payload]),
      [
        ['PageSeen', 1, payload],
        ['Seen', 3, payload],
      ],
    )
    assert.deepEqual((await verifyCopies(parts, copy)).differences, [])
  })

  test('are made once, however often it runs, and go on with what was added', async () => {
    const { parts, add, read } = await example()
    await copyStreams(parts, userCopy())
    assert.equal((await copyStreams(parts, userCopy())).copies, 0)
    await add('u-3', NamesGiven({ names: ['Di'] }))
    await add('u-4', created('u-4'))
    assert.equal((await verifyCopies(parts, userCopy())).behind, 2)
    assert.equal((await copyStreams(parts, userCopy())).copies, 2)
    assert.deepEqual((await verifyCopies(parts, userCopy())).differences, [])
    assert.equal((await read('u-3')).length, 3)
  })

  test('of a stream of many events are written part by part, also where long stretches have no copy', async () => {
    const { parts, add, read } = memory()
    const seen = Array.from({ length: 1_300 }, (_, at) => PageSeen({ page: `p-${at}` }))
    await add('long', created('long'), ...seen, NamesGiven({ names: ['last'] }), ...seen)
    let appends = 0
    const events: Parts['events'] = {
      ...parts.events,
      append(tx, each, options) {
        appends += 1
        return parts.events.append(tx, each, options)
      },
    }
    const { copies, closed } = await copyStreams({ ...parts, events }, userCopy(), { closes: true })
    assert.deepEqual([copies, closed, appends], [2, 1, 3])
    assert.equal((await read('long')).length, 2)
    const verdict = await verifyCopies(parts, userCopy())
    assert.deepEqual([verdict.differences, verdict.dropped], [[], { PageSeen: 2_600 }])
  })

  test('close their stream in the transaction of the last of them; who writes afterwards gets WRONG_VERSION', async () => {
    const { parts, add, write, read } = await example()
    await copyStreams(parts, userCopy())
    await add('u-1', NamesGiven({ names: ['Eve'] }))
    const { copies, closed } = await copyStreams(parts, userCopy(), { closes: true })
    assert.deepEqual([copies, closed], [1, 3])
    const last = (await read('u-1', 'user')).at(-1)
    assert.deepEqual([last?.type, JSON.parse(last?.payload ?? '')], ['StreamMoved', { type: 'user-v2', id: 'u-1' }])
    await assert.rejects(write('user', 'u-1', [encoded(created('u-1'))], { expected: 4 }), (error) =>
      isEstafetError(error, 'WRONG_VERSION'),
    )
    assert.equal((await copyStreams(parts, userCopy(), { closes: true })).closed, 0)
    // The new stream is written to from now on, and that is no difference.
    await write('user-v2', 'u-1', [encoded(NamesGiven({ names: ['own'] }))])
    assert.deepEqual((await copyStreams(parts, userCopy(), { closes: true })).faults, [])
    const verdict = await verifyCopies(parts, userCopy())
    assert.deepEqual([verdict.closed, verdict.differences], [3, []])
  })

  test('are stopped between two transactions and gone on with', async () => {
    const { parts, add } = memory()
    for (let at = 0; at < 20; at++) await add(`u-${at}`, ...Array.from({ length: 300 }, () => created(`u-${at}`)))
    const stop = new AbortController()
    const stopped = await copyStreams(parts, userCopy(), { signal: stop.signal, onProgress: () => stop.abort() })
    assert.ok(stopped.isStopped && stopped.copies > 0 && stopped.copies < 6_000)
    const rest = await copyStreams(parts, userCopy())
    assert.deepEqual([rest.isStopped, rest.copies], [false, 6_000 - stopped.copies])
    assert.deepEqual((await verifyCopies(parts, userCopy())).differences, [])
  })

  test('by several at once are made once', async () => {
    const { parts, add, read } = memory()
    for (let at = 0; at < 12; at++) await add(`u-${at}`, created(`u-${at}`), NamesGiven({ names: ['a', 'b'] }))
    const reports = await Promise.all([1, 2, 3].map((_, at) => copyStreams(parts, userCopy(), { closes: at === 1 })))
    assert.deepEqual(
      reports.flatMap(({ faults }) => faults),
      [],
    )
    for (let at = 0; at < 12; at++) assert.equal((await read(`u-${at}`)).length, 3)
    const verdict = await verifyCopies(parts, userCopy())
    assert.deepEqual([verdict.closed, verdict.differences], [12, []])
  })

  test('are refused for one stream where the transformation throws, with nothing of its words', async () => {
    const { parts, add, read } = await example()
    await add('u-9', created('u-9'))
    const copy = userCopy({
      transform(event) {
        if (event.streamId === 'u-1') throw new TypeError('secret')
        return event.streamId === 'u-3' ? created('') : created(`${Number('x')}`)
      },
    })
    const broken = userCopy({ transform: (event) => (event.streamId === 'u-9' ? { ...event, version: 0 } : event) })
    const { faults } = await copyStreams(parts, copy)
    assert.deepEqual(faults, [{ stream: 'u-1', streamVersion: 1, says: 'the transformation threw TypeError' }])
    assert.equal((await read('u-1')).length, 0)
    assert.match((await previewCopies(parts, broken)).differences[0]?.says ?? '', /INVALID_MESSAGE/)
  })

  test('are not made of two streams, nor where others write', async () => {
    const { parts, add, write } = await example()
    const one = userCopy({ stream: () => 'one' })
    assert.match(says(await previewCopies(parts, one)).join('\n'), /u-2: another stream has the same copy/)
    const { faults } = await copyStreams(parts, one)
    assert.deepEqual(
      faults.map(({ stream, says: text }) => [stream, text.split(':')[0]]),
      ['u-2', 'u-3'].map((id) => [id, 'the stream of user-v2 is a copy of another one']),
    )
    await write('user-v2', 'u-3', [encoded(NamesGiven({ names: ['own'] }))])
    const second = await copyStreams(parts, userCopy(), { closes: true })
    assert.deepEqual(
      second.faults.map(({ stream, says: text }) => [stream, text.split(',')[0]]),
      [['u-3', 'the stream of user-v2 has events of its own']],
    )
    // A stream that was closed for another copy.
    const elsewhere = await copyStreams(parts, streamCopy({ from: 'user', to: 'user-v3', transform: (event) => event }))
    assert.deepEqual(
      elsewhere.faults.map(({ stream }) => stream),
      ['u-1', 'u-2'],
    )
    await add('u-2', created('u-2'))
    const late = await copyStreams(parts, userCopy(), { closes: true })
    assert.match(late.faults.find(({ stream }) => stream === 'u-2')?.says ?? '', /written to after it was closed/)
    assert.match(says(await verifyCopies(parts, userCopy())).join('\n'), /u-2: event 3 was written after/)
  })
})

describe('verification of copies', () => {
  type Change = (event: RecordedEvent) => RecordedEvent | readonly RecordedEvent[]

  /** The parts with the copies of one stream read otherwise than they were written. */
  function changed(parts: Parts, id: string, change: Change): Parts {
    const read: EventStore<MemoryTransaction>['read'] = async (stream, range) => {
      const page = await parts.events.read(stream, range)
      return stream.type === 'user-v2' && stream.id === id ? page.flatMap(change) : page
    }
    return { ...parts, events: { ...parts.events, read } }
  }

  const first =
    (change: (event: RecordedEvent) => Partial<RecordedEvent>): Change =>
    (event) =>
      event.streamVersion === 1 ? { ...event, ...change(event) } : event
  const cases: readonly (readonly [what: string, change: Change, found: RegExp])[] = [
    ['of another type', first(() => ({ type: 'X' })), /u-1: its type should be UserCreated 2, and is X 2/],
    [
      'of another version',
      first(() => ({ version: 3 })),
      /u-1: its type should be UserCreated 2, and is UserCreated 3/,
    ],
    [
      'with other data',
      first(({ payload }) => ({ payload: payload.replace('null', '7') })),
      /u-1: its data differs at \/age$/,
    ],
    ['with other text', first(({ payload }) => ({ payload: `${payload} ` })), /u-1: its data differs in its text only/],
    ['with no JSON', first(() => ({ payload: '{' })), /u-1: its data differs, and is no JSON/],
    ['of another request', first(() => ({ correlationId: 'x' })), /u-1: its correlationId differs/],
    ['with another cause', first(() => ({ causationId: 'x' })), /u-1: its causationId differs/],
    ['with another trace', first(() => ({ traceparent: 'x' })), /u-1: its traceparent differs/],
    ['with a header more', first(({ headers }) => ({ headers: { ...headers, x: '1' } })), /u-1: its header x differs/],
    ['without its mark', first(() => ({ headers: {} })), /u-1: a copy of event 1 .* and an event is that is no copy/],
    [
      'with another mark',
      first(() => ({ headers: { [copiedFromHeader]: '9/9/user' } })),
      /u-1: a copy of event 1 .* one of event 9 is/,
    ],
    [
      'that is not there',
      (event) => (event.streamVersion === 1 ? [] : event),
      /u-1: a copy of event 1 .* one of event 3 is/,
    ],
    [
      'that is there twice',
      (event) => (event.streamVersion === 3 ? [event, event] : event),
      /u-1: there is a copy that nothing makes/,
    ],
    [
      'at the end that is not there',
      (event) => (event.streamVersion === 3 ? [] : event),
      /u-1: the copy ends before event 3/,
    ],
  ]
  for (const [what, change, found] of cases) {
    test(`finds a copy ${what}`, async () => {
      const { parts } = await example()
      await copyStreams(parts, userCopy())
      const verdict = await verifyCopies(changed(parts, 'u-1', change), userCopy())
      assert.deepEqual([verdict.behind + verdict.different, verdict.differences.length], [1, 1])
      assert.match(says(verdict).join(), found)
      assert.doesNotMatch(says(verdict).join(), /name of|example\.org/)
    })
  }

  test('finds copies in another order', async () => {
    const { parts } = await example()
    await copyStreams(parts, userCopy())
    const turned = changed(parts, 'u-1', (event) => event)
    const read: EventStore<MemoryTransaction>['read'] = async (stream, range) => {
      const page = await parts.events.read(stream, range)
      return stream.type === 'user-v2' ? page.toReversed() : page
    }
    assert.equal((await verifyCopies({ ...turned, events: { ...turned.events, read } }, userCopy())).different, 2)
  })

  test('finds states that differ, and deciders that cannot take the events', async () => {
    const { parts } = await example()
    await copyStreams(parts, userCopy())
    const { states } = userCopy()
    assert.ok(states !== null)
    const with_ = (more: object) => ({ ...userCopy(), states: { ...states, ...more } })
    assert.match(
      says(await verifyCopies(parts, with_({ equal: () => false }))).join('\n'),
      /u-1: the states .* differ$/m,
    )
    assert.match(
      says(await verifyCopies(parts, with_({ equal: () => null }))).join('\n'),
      /u-1: the states .* differ at \/movedTo|\/age/,
    )
    assert.match(
      says(await verifyCopies(parts, with_({ after: UserV1 }))).join('\n'),
      /its decider cannot take it: UNDECODABLE/,
    )
  })

  test('finds copies of streams that are not there', async () => {
    const { parts, write } = await example()
    await copyStreams(parts, userCopy({ stream: (id) => `new-${id}` }))
    await copyStreams(parts, userCopy())
    await write('user-v2', 'begun-later', [encoded(NamesGiven({ names: ['own'] }))])
    assert.deepEqual(
      (await verifyCopies(parts, userCopy())).differences.map(({ stream }) => stream),
      ['new-u-1', 'new-u-3'],
    )
  })

  test('finds what was written to the new stream before the old one was closed', async () => {
    const { parts, write } = await example()
    await copyStreams(parts, userCopy())
    await write('user-v2', 'u-1', [encoded(NamesGiven({ names: ['own'] }))])
    assert.match(says(await verifyCopies(parts, userCopy())).join('\n'), /u-1: it was written to before the old stream/)
  })
})

describe('personal fields in copies', () => {
  /** Seals by turning round, with a number so that no two are alike. */
  function turning(): Vault {
    let sealed = 0
    const turned = (text: string): string => [...text].reverse().join('')
    return {
      seal: async (values) => values.map(({ place, text }) => `${++sealed}|${turned(place)}|${turned(text)}`),
      open: async (values) =>
        values.map(({ place, sealed: text }) => {
          const [, where = '', what = ''] = text.split('|')
          return where === turned(place) ? { kind: 'opened', text: turned(what) } : { kind: 'refused' }
        }),
    }
  }
  const erasable = z.union([z.string(), z.object({ $erased: z.literal(true) })])
  const personal = { subject: ({ id }: { id: string }) => id, fields: ['name'] }
  const Named = streamEvent('Named', { version: 1, schema: z.object({ id: z.string(), name: erasable }), personal })
  const Called = streamEvent('Called', { version: 1, schema: z.object({ id: z.string(), name: erasable }), personal })
  const Open = streamEvent('Open', { version: 1, schema: z.object({ id: z.string(), name: erasable }) })
  const payload = JSON.stringify({
    id: 'u-1',
    name: { $sealed: `0|${[...'["Named","name"]'].reverse().join('')}|"ecilA"`, subject: 'u-1' },
  })

  async function named(vault: Vault | null) {
    const users = memory()
    await users.write('user', 'u-1', [encoded(Open({ id: 'u-1', name: '' }), { type: 'Named', payload })])
    return { ...users, parts: { ...users.parts, vault } }
  }
  const into = (transform: Parameters<typeof streamCopy>[0]['transform']) =>
    streamCopy({ from: 'user', to: 'user-v2', transform })

  test('are opened for the transformation and sealed again; what is handed on stays as it was', async () => {
    const vault = turning()
    const { parts, read } = await named(vault)
    const copy = into((event) => [Called(Named.read(event)), event])
    assert.deepEqual((await copyStreams(parts, copy)).faults, [])
    const [called, handed] = await read('u-1')
    assert.doesNotMatch(called?.payload ?? '', /Alice/)
    assert.match(called?.payload ?? '', /sealed.*"ecilA/)
    assert.equal(handed?.payload, payload)
    assert.deepEqual((await verifyCopies(parts, copy)).differences, [])
  })

  test('never come to stand in clear, and are not moved where they do not open', async () => {
    const cases: readonly (readonly [Vault | null, Parameters<typeof into>[0]])[] = [
      [turning(), (event) => Open(Named.read(event))],
      [turning(), () => Open({ id: 'u-1', name: 'nothing of it' })],
      [turning(), (event) => ({ ...Called(Named.read(event)), data: { name: '', to: ['Dear Alice'] } })],
      [turning(), (event) => ({ ...Called(Named.read(event)), data: { name: '', Alice: 1 } })],
      [turning(), (event) => ({ ...event, version: 2, data: { deep: [event.data] } })],
      [null, (event) => ({ ...event, type: 'Other' })],
      [null, (event) => ({ ...event, data: { deep: event.data } })],
      [null, () => Called({ id: 'u-1', name: 'Alice' })],
    ]
    for (const [vault, transform] of cases) {
      const { parts, read } = await named(vault)
      const { faults } = await copyStreams(parts, into(transform))
      assert.match(faults[0]?.says ?? '', /^MISCONFIGURED/, String(transform))
      assert.equal((await read('u-1')).length, 0)
    }
  })

  test('stay sealed without a vault where type and field stay', async () => {
    const { parts, read } = await named(null)
    const copy = into((event) => {
      assert.ok(typeof event.data === 'object')
      return [event, { ...event, version: 2, data: { ...event.data, age: null } }]
    })
    assert.deepEqual((await copyStreams(parts, copy)).faults, [])
    assert.ok((await read('u-1')).every((event) => event.payload.includes('$sealed')))
    assert.deepEqual((await verifyCopies(parts, copy)).differences, [])
  })
})

test('a copy that is misdefined is refused with all its faults', () => {
  assert.throws(
    () => userCopy({ from: 'user-v2', to: 'user-v2' }),
    (error) => isEstafetError(error, 'MISCONFIGURED') && /among themselves.*states\.before/.test(error.message),
  )
  assert.throws(() => userCopy({ to: '' }), /1 to 200/)
  assert.ok(isStreamCopy(userCopy()))
  assert.ok(!isStreamCopy({ from: 'a', to: 'b' }))
})

test('data is given frozen: a transformation that changes it is refused', async () => {
  const { parts, add } = memory()
  await add('u-1', created('u-1'))
  const copy = userCopy({
    transform(event) {
      Object.assign(Object(event.data), { name: 'x' })
      return event
    },
  })
  assert.match((await copyStreams(parts, copy)).faults[0]?.says ?? '', /TypeError/)
})
