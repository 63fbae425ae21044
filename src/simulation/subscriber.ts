import { on } from '../delivery/handler.ts'
import { memorySink, memoryTopicFeed } from '../drivers/memory/broker.ts'
import type { MemoryTransaction } from '../drivers/memory/database.ts'
import { memoryLaneStore } from '../drivers/memory/lane-store.ts'
import { memoryLog } from '../drivers/memory/log.ts'
import { memoryOutbox } from '../drivers/memory/outbox.ts'
import { memoryUnitOfWork } from '../drivers/memory/unit-of-work.ts'
import { memoryBell } from '../drivers/memory/wake-up.ts'
import { logFeed } from '../outbox/log-feed.ts'
import { preparer, publisher } from '../outbox/publisher.ts'
import { type Relayed, relay as relayPages } from '../outbox/relay.ts'
import type { Feed, Fetched } from '../ports/feed.ts'
import type { Lane } from '../ports/lane-store.ts'
import type { Logger } from '../ports/logger.ts'
import { type Around, type Beside, type FeedRunnerParts, runFeed } from '../runtime/feed-runner.ts'
import { inboxOf } from '../runtime/inbox-work.ts'
import type { LaneWork } from '../runtime/lane-loop.ts'
import { turns } from '../runtime/turns.ts'
import { Done, Noted } from './events.ts'
import { brokenFeed, brokenLog, brokenSink, brokenTopic, brokenWork, isFeedMutant } from './mutants.ts'
import { parkingOf } from './parking-mutants.ts'
import type { World } from './world.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }
const lanesOfLog = 3
const backOff = { firstMs: 5, maxMs: 50 }

/** Starts one life of a subscriber or, by its name, of a relay: the loops that run in production. */
export function subscribe(world: World, process: string): void {
  const { clock, random, leaseMs } = world
  const isRelay = process.startsWith('relay')
  const interrupt = world.turns.interrupt(process)
  const session = { database: isRelay ? world.producerDatabase : world.subscriberDatabase, owner: process, interrupt }
  const isFenced = world.mutant !== 'unfenced lease'
  const checksCursor = isFenced && world.mutant !== 'stale cursor accepted'
  const lanes = memoryLaneStore(session, { checksFence: isFenced, checksCursor })
  const unitOfWork = memoryUnitOfWork(session)
  const owner = `${process}/${random.fraction()}`
  const feed = feedOf(world, process)
  const runs = isRelay ? { work: relayWork(world, process) } : subscriberWork(world, process)
  runFeed(
    { feed, lanes, ...runs, wakeUp: memoryBell(clock).wakeUp(), clock, random, logger: silent },
    {
      ...{ subscription: isRelay ? 'relay:memory' : 'subscriber', owner, startAt: 'beginning', newEpochAt: 'refuse' },
      ...{ leaseMs, batchSize: 4, backOff, pace: { hotMs: 4, busyMs: 8, idleMs: 40 } },
    },
  )

  function subscriberWork(of: World, name: string): Pick<FeedRunnerParts<MemoryTransaction>, 'work' | 'beside'> {
    const publish = publisher({ outbox: memoryOutbox(session, name), clock, random })
    const handler = on<{ operation: string; key: string }, MemoryTransaction>(
      Done,
      async ({ data }, context) => {
        await interrupt('handler')
        context.tx.insert('effect', data)
        context.publish(Noted(data))
        if (random.fraction() < 0.03) throw new Error('a handler failed')
        await interrupt('handler did its work')
      },
      { timeoutMs: 500, retry: [{ immediate: 0, delayed: 1_000, backOff }] },
    )
    const prepare = preparer({ outbox: memoryOutbox(session, name), clock, random })
    const inbox = inboxOf(
      { name: 'subscriber', handlers: [handler], onDeadLetter: null },
      { store: { unitOfWork, lanes, prepare, ...parkingOf(session, unitOfWork, of.mutant) } },
      { owner, backOff, leaseMs },
      {
        logger: silent,
        world: { clock, random },
        counters: { applied: 0, duplicates: 0, retried: 0, parked: 0 },
        turns: turns(),
      },
    )
    const beside = (around: Around): Beside => inbox.retries(feed.name, around)
    if (of.mutant !== 'ack before commit' && of.mutant !== 'progress outside the transaction') {
      return { work: inbox.work, beside }
    }
    const signal = new AbortController().signal
    const broken = brokenWork(
      inbox.work,
      {
        saveAlone: (lane: Lane, { cursor }: Fetched) =>
          unitOfWork.run((tx) => lanes.save(tx, lane, { cursor, marks: lane.marks })),
        handleAlone: ({ deliveries }) =>
          unitOfWork.run(async (tx) => {
            const context = { tx, publish: () => {}, log: silent, signal }
            await handler.run(
              deliveries.map(({ message }) => message),
              context,
            )
            await publish(tx, ...deliveries.map(({ message }) => Noted(Done.receive(message).data)))
          }),
      },
      of.mutant,
    )
    return { work: broken, beside }
  }

  function relayWork(of: World, _name: string): LaneWork {
    const honest = memorySink(of.broker, interrupt)
    const sink = of.mutant === 'relay goes on after a failure' ? brokenSink(honest) : honest
    const relay = async (lane: Lane, fetched: Fetched): Promise<Relayed> => {
      // As many pages as chance has it, as time has it in production.
      const more = {
        next: (after: bigint) => feed.fetch(lane.index, after, 1 + Math.floor(random.fraction() * 3)),
        isTime: () => random.fraction() < 0.5,
      }
      if (of.mutant !== 'relay saves before it sends')
        return relayPages({ unitOfWork, lanes, sink }, lane, fetched, more)
      const early = { name: sink.name, partitions: sink.partitions, send: () => Promise.resolve() }
      const saved = await relayPages({ unitOfWork, lanes, sink: early }, lane, fetched)
      await relayPages({ unitOfWork, lanes: { ...lanes, save: () => Promise.resolve() }, sink }, lane, fetched)
      return saved
    }
    return {
      handle: relay,
      skip: async (lane, cursor) => (await relay(lane, { deliveries: [], cursor, hasMore: false })).lane,
    }
  }
}

function feedOf(world: World, process: string): Feed {
  const interrupt = world.turns.interrupt(process)
  if (world.via === 'broker' && !process.startsWith('relay')) {
    const topic = memoryTopicFeed(world.broker, Done.topic, interrupt)
    return world.mutant === 'chain ignored' ? brokenTopic(topic) : topic
  }
  const lanes = process.startsWith('relay') ? 1 : lanesOfLog
  const log = memoryLog({ database: world.producerDatabase, owner: process, interrupt }, 'producer')
  const { mutant } = world
  if (isFeedMutant(mutant)) return brokenFeed(log, lanes, mutant)
  const read = mutant === 'writers listed before the positions' ? brokenLog(log) : log
  return logFeed(read, { lanes, scanLimit: 20 })
}
