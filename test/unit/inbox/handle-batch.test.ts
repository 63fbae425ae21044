import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Delivery,
  EstafetError,
  event,
  type Handler,
  isEstafetError,
  type Lane,
  type Logger,
  type OnDeadLetter,
  on,
  onMany,
  preparer,
  rejected,
  type StoredMessage,
} from 'estafet'
import {
  type MemoryDatabase,
  type MemoryTransaction,
  memoryDatabase,
  memoryInbox,
  memoryLaneStore,
  memoryOutbox,
  memoryParking,
  memoryRetries,
  memorySession,
  memoryUnitOfWork,
  seededRandom,
  virtualClock,
} from 'estafet/memory'
import * as z from 'zod'
import { breaker } from '../../../src/delivery/breaker.ts'
import { handleBatch } from '../../../src/inbox/handle-batch.ts'

const Done = event('work.done', { version: 1, schema: z.number(), key: String })
const Noted = event('note.taken', { version: 1, schema: z.number(), key: String })
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }
const group = { subscription: 's', feed: 'f', epoch: 'e', starts: [0n], isNewEpochAccepted: false }

function delivery(number: number, previous: number | null, type = Done.type): Delivery {
  const message: StoredMessage = {
    ...{ id: `m-${number}`, type, version: 1, topic: 'work', key: 'k', correlationId: 'c-1', causationId: null },
    ...{ traceparent: null, headers: {}, payload: String(number), source: 'orders', epoch: 'e', time: '' },
    position: BigInt(number),
  }
  return { message, cursor: BigInt(number), previous: previous === null ? null : BigInt(previous) }
}

async function bench(
  handlers: readonly Handler<MemoryTransaction>[],
  onDeadLetter: OnDeadLetter | null = null,
  interrupt: (database: MemoryDatabase) => Promise<void> = () => Promise.resolve(),
) {
  const clock = virtualClock()
  const database = memoryDatabase(clock)
  const session = { ...memorySession(database), interrupt: () => interrupt(database) }
  const lanes = memoryLaneStore(session)
  await lanes.survey(group, { owner: 'me', leaseMs: 1000, working: [] })
  const lane = await lanes.take(group, 0, 'me', 1000)
  assert.ok(lane !== null)
  const prepare = preparer({ outbox: memoryOutbox(session, 'me'), clock, random: seededRandom(1) })
  const parts = {
    unitOfWork: memoryUnitOfWork(session),
    lanes,
    parking: memoryParking(session),
    inbox: memoryInbox(session),
    prepare,
    vault: null,
    logger: silent,
    clock,
    random: seededRandom(2),
    breaker: breaker(clock),
    by: { owner: 'me', serviceVersion: '1' },
    handlers: Map.groupBy(handlers, (h) => h.type),
    onDeadLetter,
  }
  const retries = memoryRetries(session)
  const parked = new Set<string>()
  const handle = (from: Lane, deliveries: readonly Delivery[]) =>
    handleBatch(
      parts,
      from,
      { deliveries, cursor: deliveries.at(-1)?.cursor ?? 0n, hasMore: false },
      parked,
      new AbortController().signal,
    )
  return {
    lane,
    handle,
    parked,
    load: async () => (await retries.due(group, [0], 10)).load,
    effects: () => session.database.rows('effect'),
    outbox: () => [...session.database.table<StoredMessage>('outbox').values()],
  }
}

const noting = on<number, MemoryTransaction>(Done, async ({ data }, { tx, publish }) => {
  tx.insert('effect', data)
  publish(Noted(data))
})

test('a batch takes effect with its progress, and what it publishes is caused by it', async () => {
  const { lane, handle, effects, outbox } = await bench([noting])
  const outcome = await handle(lane, [delivery(1, 0), delivery(2, 1)])
  assert.deepEqual([outcome.applied, outcome.lane.cursor, outcome.failure], [2, 2n, null])
  assert.deepEqual(effects(), [1, 2])
  assert.deepEqual(
    outbox().map(({ causationId, correlationId }) => [causationId, correlationId]),
    [
      ['m-1', 'c-1'],
      ['m-2', 'c-1'],
    ],
  )
})

test('a duplicate is dropped, also in the same batch', async () => {
  const { lane, handle, effects } = await bench([noting])
  const first = await handle(lane, [delivery(1, 0), delivery(1, 0)])
  const again = await handle(first.lane, [
    { ...delivery(1, 0), cursor: 2n },
    { ...delivery(2, 1), cursor: 3n },
  ])
  assert.deepEqual([first.duplicates, again.duplicates, effects()], [1, 1, [1, 2]])
})

test('a message of others that was sent again is dropped by its id, also in a batch, behind a parked key, and when put aside', async () => {
  let isFailing = true
  const notes = on<number, MemoryTransaction>(Done, async (message, { tx }) => {
    if (isFailing) throw new Error('not yet')
    tx.insert('effect', message.position)
  })
  const { lane, handle, load, effects } = await bench([notes])
  const sent = (number: number, id: string): Delivery => {
    const { message, cursor } = delivery(number, null)
    return { message: { ...message, id }, cursor, previous: null, hasSendersId: true }
  }
  const failed = await handle(lane, [sent(1, 'one')])
  const again = await handle(failed.lane, [sent(2, 'one'), sent(3, 'two'), sent(4, 'two')])
  assert.deepEqual([again.duplicates, again.parked, (await load()).messages], [2, 1, 2])
  const aside = await handle({ ...again.lane, abandoned: 2 }, [sent(5, 'two'), sent(6, 'three'), sent(7, 'three')])
  assert.deepEqual([aside.duplicates, aside.parked], [2, 1])
  isFailing = false
  const other = { ...sent(8, 'four'), message: { ...sent(8, 'four').message, key: 'another' } }
  const last = await handle(aside.lane, [other, { ...other, message: { ...other.message }, cursor: 9n }])
  assert.deepEqual([last.applied, last.duplicates, effects()], [1, 1, [8n]])
})

test('a message of others that failed here and took effect in another lane meanwhile is not parked', async () => {
  let hasFailed = false
  const failing = on<number, MemoryTransaction>(
    Done,
    async () => {
      hasFailed = true
      throw new Error('not yet')
    },
    // With a try at once the message would be dropped there.
    { retry: [{ immediate: 0, delayed: 2 }] },
  )
  const { message, cursor } = delivery(1, null)
  const takeElsewhere = async (database: MemoryDatabase): Promise<void> => {
    if (!hasFailed) return
    hasFailed = false
    const other = memorySession(database, 'another process')
    const ids = [{ id: `${message.source}\n${message.id}`, place: 'in another lane' }]
    await memoryUnitOfWork(other).run((tx) => memoryInbox(other).take(tx, group.subscription, ids))
  }
  const { lane, handle, load, parked } = await bench([failing], null, takeElsewhere)
  const outcome = await handle(lane, [{ message, cursor, previous: null, hasSendersId: true }])
  assert.deepEqual([outcome.duplicates, outcome.parked, outcome.lane.cursor, outcome.failure], [1, 0, 1n, null])
  assert.deepEqual([(await load()).messages, parked.size], [0, 0])
})

test('a gap in a chain holds what follows and is reported', async () => {
  const { lane, handle, effects } = await bench([noting])
  const outcome = await handle(lane, [delivery(1, 0), delivery(5, 3), delivery(6, 5)])
  assert.ok(isEstafetError(outcome.failure?.error, 'GAP'))
  assert.deepEqual([effects(), outcome.lane.cursor], [[1], 1n])
  const again = await handle(outcome.lane, [delivery(5, 3)])
  assert.ok(isEstafetError(again.failure?.error, 'GAP'))
  assert.deepEqual(effects(), [1])
})

test('a message at fault is parked with its key, and other keys take effect', async () => {
  const failing = on<number, MemoryTransaction>(Done, async ({ data }, { tx }) => {
    tx.insert('effect', data)
    if (data === 3) throw new Error('on purpose')
  })
  const { lane, handle, effects, parked, load } = await bench([failing])
  const batch = [1, 2, 3, 4].map((number) => delivery(number, number - 1))
  const other = { ...delivery(5, 4), message: { ...delivery(5, 4).message, key: 'other' } }
  const outcome = await handle(lane, [...batch, other])
  assert.deepEqual([effects(), outcome.applied, outcome.lane.cursor, outcome.failure], [[1, 2, 5], 3, 5n, null])
  assert.deepEqual([outcome.parked, [...parked], await load()], [2, ['k'], { keys: 1, messages: 2, dead: 0 }])
})

test('a message that no attempt can help is a dead letter at once', async () => {
  const rejecting = on<number, MemoryTransaction>(Done, async () => {
    throw rejected('no')
  })
  const { lane, handle, load } = await bench([rejecting])
  assert.equal((await handle(lane, [delivery(1, 0)])).parked, 1)
  assert.deepEqual(await load(), { keys: 1, messages: 1, dead: 1 })
})

function ofKeys(count: number): readonly Delivery[] {
  return Array.from({ length: count }, (_, at) => delivery(at + 1, at)).map((each) => ({
    ...each,
    message: { ...each.message, key: `key-${each.cursor}` },
  }))
}

test('a dead letter is told of in its transaction, and what cannot be told does not keep it from being one', async () => {
  for (const onDeadLetter of [
    () => [Noted(7)],
    () => [{ ...Noted(7), data: 7n }],
    () => {
      throw new Error('no words')
    },
  ]) {
    const refuses = on(Done, () => Promise.reject(rejected('never')))
    const { lane, handle, load, outbox } = await bench([refuses], onDeadLetter)
    await handle(lane, [delivery(1, null)])
    assert.equal((await load()).dead, 1)
    assert.deepEqual(
      outbox().map(({ type, causationId, correlationId }) => [type, causationId, correlationId]),
      onDeadLetter.toString().includes('[Noted') ? [[Noted.type, 'm-1', 'c-1']] : [],
    )
  }
})

test('with many keys at fault the breaker opens, and what is left of the batch waits', async () => {
  const failing = on<number, MemoryTransaction>(Done, async () => {
    throw new Error('down')
  })
  const { lane, handle, load } = await bench([failing])
  const outcome = await handle(lane, ofKeys(9))
  assert.deepEqual([outcome.parked, outcome.lane.cursor, (await load()).dead], [5, 5n, 0])
  assert.ok(outcome.failure !== null)
})

test('what a rule gives up at once is a verdict about the message, and opens no breaker', async () => {
  const declining = on<number, MemoryTransaction>(
    Done,
    async ({ data }, { tx }) => {
      if (data < 9) throw Object.assign(new Error('declined'), { name: 'CardDeclined' })
      tx.insert('effect', data)
    },
    { retry: [{ errors: ['CardDeclined'], immediate: 0, delayed: 0, whenDead: 'skip' }] },
  )
  const { lane, handle, load, effects } = await bench([declining])
  const outcome = await handle(lane, ofKeys(9))
  assert.deepEqual([outcome.lane.cursor, outcome.failure, effects()], [9n, null, [9]])
  assert.deepEqual(await load(), { keys: 0, messages: 0, dead: 8 })
})

test('what a handler throws is its own, also when it says that something is not available', async () => {
  const failing = on<number, MemoryTransaction>(Done, async () => {
    throw new EstafetError('UNAVAILABLE', 'another database')
  })
  const { lane, handle, load } = await bench([failing])
  assert.equal((await handle(lane, [delivery(1, 0)])).parked, 1)
  assert.deepEqual(await load(), { keys: 1, messages: 1, dead: 0 })
})

test('the messages of a lane that was abandoned again and again are put aside untried', async () => {
  let tried = 0
  const counting = on<number, MemoryTransaction>(Done, async () => {
    tried += 1
  })
  const { lane, handle, load } = await bench([counting])
  const outcome = await handle({ ...lane, abandoned: 2 }, [delivery(1, 0), delivery(2, 1)])
  assert.deepEqual([tried, outcome.parked, outcome.lane.abandoned, outcome.lane.cursor], [0, 2, 0, 2n])
  assert.deepEqual(await load(), { keys: 1, messages: 2, dead: 0 })
})

test('a set handler gets neighbours of its type together, and the order stays', async () => {
  const seen: unknown[] = []
  const many = onMany<number, MemoryTransaction>(Done, async (events) => void seen.push(events.map(({ data }) => data)))
  const one = on<number, MemoryTransaction>(Noted, async ({ data }) => void seen.push(data))
  const { lane, handle } = await bench([many, one])
  await handle(lane, [delivery(1, 0), delivery(2, 1), delivery(3, 2, Noted.type), delivery(4, 3)])
  assert.deepEqual(seen, [[1, 2], 3, [4]])
})

test('messages that nobody handles move the progress', async () => {
  const { lane, handle } = await bench([])
  assert.equal((await handle(lane, [delivery(1, 0, 'other.type')])).lane.cursor, 1n)
})

test('a stale lane is refused, and it is not taken for the message’s fault', async () => {
  const { lane, handle, effects } = await bench([noting])
  await handle(lane, [delivery(1, 0)])
  await assert.rejects(handle({ ...lane, marks: {} }, [delivery(1, 0)]), (error) => isEstafetError(error, 'FENCED'))
  assert.deepEqual(effects(), [1])
})

test('each version goes to the handler that reads it, and one that nobody reads is never skipped', async () => {
  const First = event('work.done', { version: 1, schema: z.number(), key: String })
  const Second = event('work.done', { version: 2, since: 2, schema: z.number(), key: String })
  const seen: string[] = []
  const { lane, handle, load } = await bench([
    on(First, async ({ data }) => void seen.push(`first ${data}`)),
    onMany(Second, async (all) => void seen.push(`second ${all.map(({ data }) => data).join(' ')}`)),
  ])
  const of = (number: number, version: number): Delivery => {
    const { message, cursor } = delivery(number, null)
    return { message: { ...message, version, key: `k-${number}` }, cursor, previous: null }
  }
  const done = await handle(lane, [of(1, 2), of(2, 2), of(3, 1), of(4, 2)])
  assert.deepEqual(seen, ['second 1 2', 'first 3', 'second 4'])
  assert.equal(done.applied, 4)
  await handle(done.lane, [of(5, 3)])
  assert.deepEqual([seen.length, (await load()).dead], [3, 1])
})
