// What do offsets without gaps cost? The sink and the feed beside the bare client's pipelines, on the same server in the
// same minutes, with the same bytes. The sink also encodes each message; the bare client sends texts that are ready.
//   npm run bench:redis                 three rounds of 60,000 messages each way
//   npm run bench:redis -- --rounds 5 --messages 100000 --shards 12 --fsync everysec
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { createClient } from '@redis/client'
import type { RelayedMessage } from 'estafet'
import { redisSink, redisTopicFeed } from 'estafet/redis'
import { temporaryRedis } from '../engines/redis/server.ts'
import { median } from './counters.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    messages: { type: 'string', default: '60000' },
    shards: { type: 'string', default: '6' },
    fsync: { type: 'string', default: 'always' },
  },
})
const [rounds, messages, shards] = [Number(values.rounds), Number(values.messages), Number(values.shards)]
const batch = 500
const topic = 'bench'

const server = await temporaryRedis({ settings: { appendfsync: values.fsync } })
const client = createClient({ url: server.url, disableOfflineQueue: true })
client.on('error', () => {})
await client.connect()
try {
  const found: Record<string, number[]> = { 'bare send': [], 'sink send': [], 'bare read': [], 'feed fetch': [] }
  for (let round = -1; round < rounds; round++) {
    await client.sendCommand(['FLUSHALL'])
    const sink = await sinkRound()
    const texts = await written()
    const fetched = await feedRound()
    const read = await bareRead()
    await client.sendCommand(['FLUSHALL'])
    const bare = await bareSend(texts)
    // The first one warms up.
    if (round < 0) continue
    found['bare send']?.push(bare)
    found['sink send']?.push(sink)
    found['bare read']?.push(read)
    found['feed fetch']?.push(fetched)
    process.stderr.write(`round ${round + 1} of ${rounds} done\n`)
  }
  console.log(
    `Redis ${server.major}, appendfsync ${values.fsync}, ${shards} shards, ${batch} a batch, ${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`,
  )
  for (const [name, rates] of Object.entries(found)) {
    const all = rates.map((rate) => Math.round(rate / 1000)).join(', ')
    console.log(`${name.padEnd(12)} ${String(Math.round(median(rates) / 1000)).padStart(5)} k msg/s   (${all})`)
  }
  const ratio = (one: string, other: string): string =>
    (median(found[one] ?? []) / median(found[other] ?? [])).toFixed(2)
  console.log(`sink / bare ${ratio('sink send', 'bare send')}, feed / bare ${ratio('feed fetch', 'bare read')}`)
} finally {
  client.destroy()
  await server.stop()
}

/** A relay's way: each batch over all shards, the next when it is acknowledged. */
async function sinkRound(): Promise<number> {
  const sink = redisSink(client, { name: 'bench', shards })
  await sink.partitions(topic)
  const last = new Map<number, bigint>()
  return timed(async () => {
    for (let at = 0; at < messages; at += batch) {
      await sink.send(Array.from({ length: batch }, (_, inner) => relayed(at + inner + 1, last)))
    }
  })
}

async function feedRound(): Promise<number> {
  const feed = redisTopicFeed(client, { topic, group: 'bench' })
  await feed.open()
  return timed(async () => {
    for (let shard = 0; shard < shards; shard++) {
      for (let after = 0n, hasMore = true; hasMore; ) {
        const fetched = await feed.fetch(shard, after, batch)
        after = fetched.cursor
        hasMore = fetched.hasMore
      }
    }
  })
}

/** The events as the sink wrote them, by shard. */
async function written(): Promise<readonly (readonly string[])[]> {
  const all: string[][] = []
  for (let shard = 0; shard < shards; shard++) {
    const entries = (await client.xRange(`estafet:{${topic}}:${shard}`, '-', '+')) ?? []
    all.push(entries.map(({ message }) => message['event'] ?? ''))
  }
  return all
}

async function bareSend(texts: readonly (readonly string[])[]): Promise<number> {
  return timed(async () => {
    const share = Math.ceil(batch / shards)
    for (let at = 0; at < (texts[0]?.length ?? 0); at += share) {
      const pipeline = client.multi()
      texts.forEach((events, shard) => {
        for (const event of events.slice(at, at + share)) pipeline.xAdd(`bare:${shard}`, '*', { event })
      })
      await pipeline.execAsPipeline()
    }
  })
}

async function bareRead(): Promise<number> {
  return timed(async () => {
    for (let shard = 0; shard < shards; shard++) {
      for (let after = '0-0', found = batch; found === batch; ) {
        const entries = (await client.xRange(`estafet:{${topic}}:${shard}`, `(${after}`, '+', { COUNT: batch })) ?? []
        for (const { message } of entries) JSON.parse(message['event'] ?? '')
        found = entries.length
        after = entries.at(-1)?.id ?? after
      }
    }
  })
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  await work()
  return messages / ((performance.now() - begun) / 1000)
}

function relayed(number: number, last: Map<number, bigint>): RelayedMessage {
  const id = `00000000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`
  const partition = number % shards
  const previous = last.get(partition) ?? 0n
  const position = BigInt(number)
  last.set(partition, position)
  return {
    partition,
    previous,
    message: {
      ...{ id, type: 'bench.sent', version: 1, topic, key: `key-${number % 1000}`, correlationId: id },
      ...{ causationId: null, traceparent: null, headers: {}, source: 'bench', epoch: 'e1', position },
      ...{ time: '2026-01-02T03:04:05.678Z', payload: JSON.stringify({ number, note: 'x'.repeat(170) }) },
    },
  }
}
