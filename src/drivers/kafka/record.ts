import { EstafetError } from '../../message/errors.ts'
import type { Delivery } from '../../message/message.ts'
import type { RelayedMessage } from '../../ports/sink.ts'
import { fromCoded, toCoded, type ValueCodec } from '../../wire/codec.ts'
import type { FetchedPartition, KafkaRecord, KafkaRecordToSend, RecordBatch } from './client.ts'

/** A message as a record of `topic`, and how many bytes it takes in a batch at most. */
export function toRecord(
  relayed: RelayedMessage,
  topic: string,
  codec?: ValueCodec,
): { record: KafkaRecordToSend; bytes: number } {
  const { headers, value } = toCoded(codec, relayed)
  const encoded = new Map<Buffer, Buffer>()
  for (const [name, text] of Object.entries(headers)) encoded.set(nameBytes(name), Buffer.from(text))
  const record: KafkaRecordToSend = {
    ...{ topic, partition: relayed.partition, headers: encoded },
    ...{ key: Buffer.from(relayed.message.key), value: Buffer.from(value) },
  }
  // Lengths and deltas take up to ten bytes each.
  let bytes = record.key.length + record.value.length + 40
  for (const [name, text] of encoded) bytes += name.length + text.length + 10
  return { record, bytes }
}

const nameBuffers = new Map<string, Buffer>()

/** The bytes of a header's name. Made once each: our own have few names. */
function nameBytes(name: string): Buffer {
  let bytes = nameBuffers.get(name)
  if (bytes === undefined) {
    bytes = Buffer.from(name)
    nameBuffers.set(name, bytes)
  }
  return bytes
}

/** What a partition held from an offset on. */
export interface Page {
  readonly deliveries: readonly Delivery[]
  /** The cursor after everything read, markers and aborted records included. */
  readonly cursor: bigint
}

/**
 * The messages of a fetched partition after the cursor `after`, in order, without those of aborted transactions. A batch
 * is sent whole, so that it may begin before what was asked for.
 */
export function toPage(
  fetched: FetchedPartition,
  place: {
    readonly topic: string
    readonly partition: number
    readonly after: bigint
    readonly codec?: ValueCodec | undefined
  },
): Page {
  const isAborted = abortedBatches(fetched)
  const deliveries: Delivery[] = []
  let cursor = place.after
  for (const batch of fetched.records ?? []) {
    if (batch.magic !== 2) throw oldFormat(place.topic)
    const isSkipped = isAborted(batch) || isControl(batch)
    for (const record of isSkipped ? [] : batch.records) {
      const offset = batch.firstOffset + BigInt(record.offsetDelta)
      if (offset < place.after) continue
      deliveries.push(toDelivery(record, { ...place, offset, timestamp: batch.firstTimestamp + record.timestampDelta }))
    }
    const end = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
    if (end > cursor) cursor = end
  }
  return { deliveries, cursor }
}

function toDelivery(
  record: KafkaRecord,
  place: { topic: string; partition: number; offset: bigint; timestamp: bigint; codec?: ValueCodec | undefined },
): Delivery {
  const headers = Object.fromEntries(
    record.headers.map(([name, value]) => [name?.toString('utf8') ?? '', value?.toString('utf8') ?? '']),
  )
  const wire = fromCoded(place.codec, headers, record.value, place.topic, {
    partition: place.partition,
    offset: place.offset,
    key: record.key?.toString('utf8') ?? null,
    ...timeOf(place.timestamp),
  })
  return { ...wire, cursor: place.offset + 1n }
}

/** A record may have no time (-1), or one that no date can show. */
function timeOf(timestamp: bigint): { readonly time?: string } {
  const isTime = timestamp >= 0n && timestamp <= 8_640_000_000_000_000n
  return isTime ? { time: new Date(Number(timestamp)).toISOString() } : {}
}

const transactional = 1 << 4
const control = 1 << 5

function isControl({ attributes }: RecordBatch): boolean {
  return (attributes & control) !== 0
}

/**
 * Tells, asked batch by batch in order, which belong to an aborted transaction.
 *
 * @source Apache Kafka, CompletedFetch.java: nextFetchedRecord, consumeAbortedTransactionsUpTo
 */
function abortedBatches({ abortedTransactions }: FetchedPartition): (batch: RecordBatch) => boolean {
  const waiting = [...(abortedTransactions ?? [])].sort((a, b) => Number(a.firstOffset - b.firstOffset))
  const aborted = new Set<bigint>()
  return (batch) => {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta)
    while (waiting[0] !== undefined && waiting[0].firstOffset <= last) aborted.add(waiting.shift()?.producerId ?? -1n)
    if (isControl(batch)) {
      // The marker's key: version, then 0 for an abort.
      if (batch.records[0]?.key?.readInt16BE(2) === 0) aborted.delete(batch.producerId)
      return true
    }
    return (batch.attributes & transactional) !== 0 && aborted.has(batch.producerId)
  }
}

function oldFormat(topic: string): EstafetError {
  return new EstafetError('MISCONFIGURED', `The topic ${topic} has records in a format older than Kafka 0.11.`, {
    details: { topic },
  })
}
