import { randomUUID } from 'node:crypto'
import { EstafetError } from '../../message/errors.ts'
import type { RelayedMessage, Sink } from '../../ports/sink.ts'
import { connectionOf, type RedisClient, type RedisConnection, type RedisOptions } from './client.ts'
import { command, runScript } from './command.ts'
import { entryOf } from './entry.ts'
import { fields, shardKey, shardKeys, topicKey } from './keys.ts'
import { list, text, textOrNull } from './reply.ts'
import { refuseUnsafe } from './safety.ts'
import { append, makeTopic } from './scripts.ts'

export interface RedisSinkOptions extends RedisOptions {
  /** Names the broker; part of the relay's progress. */
  readonly name: string
  /** Streams of a topic that does not exist yet. (Default: 4.) */
  readonly shards?: number
  /**
   * Go on although the server no longer holds what was sent to it: after a person found out what was lost. Leave it out
   * again afterwards. (Default: false.)
   */
  readonly acceptsLoss?: boolean
}

interface Topic {
  readonly epoch: string
  readonly shards: number
}

/**
 * Topics in Redis Streams, a stream for each shard. `client` is connected.
 *
 * Throws MISCONFIGURED when the server's settings can lose messages and that was not allowed, or when somebody else wrote to
 * a shard; EPOCH_CHANGED when the server lost what it had taken: it was emptied, restored, or failed over.
 */
export function redisSink(client: RedisClient, options: RedisSinkOptions): Sink {
  const connection = connectionOf(client, options)
  const known = new Map<string, Topic>()
  let wasSafe = false
  let isChecked = false

  async function topicOf(topic: string): Promise<Topic> {
    if (!isChecked) await refuseUnsafe(connection, wasSafe)
    isChecked = true
    wasSafe = true
    const found = known.get(topic) ?? (await madeTopic(connection, topic, shardsOf(options)))
    known.set(topic, found)
    return found
  }

  async function foreignTo(topic: string, shard: number): Promise<EstafetError> {
    const last = await command(connection, ['HGET', topicKey(connection, topic), fields.offset(shard)])
    return foreign(topic, shard, shardKey(connection, topic, shard), textOrNull(last) ?? '0')
  }

  async function appendTo(topic: string, shard: number, batch: readonly RelayedMessage[]): Promise<void> {
    const { epoch, shards } = await topicOf(topic)
    if (shard >= shards) throw noShard(topic, shard, shards)
    const chains = chainsOf(shard, batch)
    const [outcome, ...more] = list(
      await runScript(
        connection,
        append,
        [topicKey(connection, topic), shardKey(connection, topic, shard)],
        [
          ...[epoch, fields.offset(shard), options.acceptsLoss === true ? '1' : '0', String(chains.length / 3)],
          ...chains,
          ...batch.flatMap((relayed) => {
            const words = entryOf(relayed, connection.layout)
            return [String(words.length), ...words]
          }),
        ],
      ),
    )
    if (outcome === 'epoch') throw replaced(topic)
    if (outcome === 'lost') throw lost(topic, shard, text(more[0]), text(more[1]))
    if (outcome === 'foreign') throw await foreignTo(topic, shard)
  }

  return {
    name: options.name,

    async partitions(topic) {
      return (await topicOf(topic)).shards
    },

    async send(messages) {
      const batches = Map.groupBy(messages, ({ message, partition }) => `${partition}/${message.topic}`)
      const sends = [...batches.values()].map((batch) =>
        appendTo(batch[0]?.message.topic ?? '', batch[0]?.partition ?? 0, batch),
      )
      // All of them have ended before one failure is told: what is sent again must not overtake what is still under way.
      const failed = (await Promise.allSettled(sends)).find(({ status }) => status === 'rejected')
      if (failed?.status !== 'rejected') return
      // The server may be another one by now.
      known.clear()
      isChecked = false
      throw failed.reason
    },
  }
}

/** A stream that others know is one: they would not look for its keys in several. */
function shardsOf({ layout, shards }: RedisSinkOptions): number {
  if (layout === undefined) return shards ?? 4
  if (shards === undefined || shards === 1) return 1
  throw new EstafetError(
    'UNSUPPORTED',
    `A topic with a layout of yours is one stream; shards is ${shards}, leave it out.`,
  )
}

async function madeTopic(connection: RedisConnection, topic: string, shards: number): Promise<Topic> {
  if (!Number.isInteger(shards) || shards < 1) {
    throw new EstafetError('MISCONFIGURED', `A topic has at least one shard; shards is ${shards}.`)
  }
  const keys = [topicKey(connection, topic), ...shardKeys(connection, topic, shards)]
  const [outcome, ...more] = list(await runScript(connection, makeTopic, keys, [randomUUID(), String(shards)]))
  if (outcome === 'remains') throw remains(topic, text(more[0]))
  return { epoch: text(more[0]), shards: Number(text(more[1])) }
}

/** Of each chain in the batch: its field, the position before its first message, and its last position. */
function chainsOf(shard: number, batch: readonly RelayedMessage[]): readonly string[] {
  const chains = new Map<string, { readonly previous: bigint; last: bigint }>()
  for (const { message, previous } of batch) {
    const chain = `${message.source}/${message.epoch}`
    const known = chains.get(chain)
    if (known === undefined) chains.set(chain, { previous, last: message.position })
    else if (message.position > known.last) known.last = message.position
  }
  return [...chains].flatMap(([chain, { previous, last }]) => [
    fields.mark(shard, chain),
    previous.toString(),
    last.toString(),
  ])
}

function replaced(topic: string): EstafetError {
  return new EstafetError(
    'EPOCH_CHANGED',
    `The topic ${topic} is not the one that was written to before: Redis was emptied or restored. Find out what was lost.`,
    { details: { topic } },
  )
}

function lost(topic: string, shard: number, has: string, needs: string): EstafetError {
  return new EstafetError(
    'EPOCH_CHANGED',
    `Redis lost messages of ${topic}, shard ${shard}: positions up to ${needs} were sent, and it has them up to ${has}. ` +
      'Find out what was emptied, restored or failed over; acceptsLoss goes on without them.',
    { details: { topic, shard, has, needs } },
  )
}

function foreign(topic: string, shard: number, key: string, last: string): EstafetError {
  return new EstafetError(
    'MISCONFIGURED',
    `Something else wrote to shard ${shard} of ${topic} with an id of its own; offsets can then not go on. Remove what ` +
      `stands in ${key} after ${last}-0 (XDEL), set its last id back (XSETID ${key} ${last}-0), start the relay again, and ` +
      'let others write by the script in docs/decisions/0010-redis-streams.md.',
    { details: { topic, shard, key, last } },
  )
}

function noShard(topic: string, shard: number, shards: number): EstafetError {
  return new EstafetError('MISCONFIGURED', `The topic ${topic} has ${shards} shards; there is no shard ${shard}.`, {
    details: { topic, shard, shards },
  })
}

function remains(topic: string, key: string): EstafetError {
  return new EstafetError(
    'MISCONFIGURED',
    `The topic ${topic} is gone and its stream ${key} is still there: restore the hash of the topic, or delete its streams.`,
    { details: { topic, key } },
  )
}
