import type { StoredMessage } from '../../message/message.ts'
import type { LaneGroup } from '../../ports/lane-store.ts'
import type { NextStep, ParkedEntry } from '../../ports/parking.ts'
import type { MemoryDatabase } from './database.ts'

/** A parked key as others see it. Its row is the lock of its queue: see `queueLock` and `rowLock`. */
export interface ParkedKeyRow {
  readonly key: string
  readonly lane: number
  readonly state: 'retrying' | 'dead'
  /** Number of the queue's first message. */
  readonly head: bigint
  readonly fence: bigint
  readonly tries: number
  readonly crashes: number
  /** True from the beginning of an attempt until its end is saved. */
  readonly isUnderWay: boolean
  readonly nextAt: number
}

/** A message in a queue, or a dead letter that blocks nothing. */
export interface ParkedMessageRow {
  readonly number: bigint
  readonly lane: number
  readonly isDead: boolean
  readonly isBlocking: boolean
  readonly message: StoredMessage
}

/** What one subscription has parked in one feed. Reads see what is committed; writes belong into `atCommit`. */
export interface ParkedQueues {
  row(key: string): ParkedKeyRow | undefined
  rows(): readonly ParkedKeyRow[]
  change(key: string, row: Partial<ParkedKeyRow>): void
  messages(): readonly ParkedMessageRow[]
  message(number: bigint): ParkedMessageRow | undefined
  /** Puts a message in, unless it is there already; returns its number then. The key's row is as it was. */
  add(lane: number, entry: ParkedEntry): bigint | null
  /** Makes a message a dead letter. */
  bury(number: bigint, isBlocking: boolean): void
  take(number: bigint): void
  /** The first message of the key's queue with a greater number. */
  next(key: string, after: bigint): ParkedMessageRow | undefined
  free(key: string): void
  /** Finds the key's first message anew; lets the key go with the last one. */
  settle(key: string): void
  nextFence(): bigint
  /** Held shared by who adds behind the key, alone by who may let it go: PostgreSQL's FOR KEY SHARE and FOR UPDATE. */
  queueLock(key: string): string
  /** Held alone by who changes the key's row: what FOR UPDATE and FOR NO KEY UPDATE have in common. */
  rowLock(key: string): string
  readonly isPaused: boolean
}

export function parkedQueues(database: MemoryDatabase, { subscription, feed }: LaneGroup): ParkedQueues {
  const place = `${subscription}\n${feed}\n`
  const keys = database.table<ParkedKeyRow>('parked key')
  const parked = database.table<ParkedMessageRow>('parked message')
  const numbers = database.table<bigint>('parked number')
  const draw = (name: string): bigint => {
    const drawn = (numbers.get(name) ?? 0n) + 1n
    numbers.set(name, drawn)
    return drawn
  }
  const here = <Row>(table: Map<string, Row>): readonly Row[] =>
    [...table].filter(([name]) => name.startsWith(place)).map(([, row]) => row)
  const queues: ParkedQueues = {
    row: (key) => keys.get(place + key),
    rows: () => here(keys),
    change(key, row) {
      const before = keys.get(place + key)
      if (before !== undefined) keys.set(place + key, { ...before, ...row })
    },
    messages: () => here(parked),
    message: (number) => parked.get(place + number.toString()),
    add(lane, { message, failure }) {
      if (queues.messages().some((row) => isSame(row.message, message))) return null
      const number = draw('message')
      const isDead = failure?.next.kind === 'dead'
      parked.set(place + number.toString(), { number, lane, isDead, isBlocking: blocks(failure?.next), message })
      return number
    },
    next: (key, after) =>
      queues.messages().find(({ number, message, isBlocking }) => message.key === key && isBlocking && number > after),
    bury(number, isBlocking) {
      const row = queues.message(number)
      if (row !== undefined) parked.set(place + number.toString(), { ...row, isDead: true, isBlocking })
    },
    take: (number) => void parked.delete(place + number.toString()),
    free: (key) => void keys.delete(place + key),
    settle(key) {
      const first = queues.next(key, 0n)
      const old = queues.row(key)
      if (first === undefined) {
        queues.free(key)
        return
      }
      const state = first.isDead ? 'dead' : 'retrying'
      if (old?.head === first.number) {
        queues.change(key, { state })
        return
      }
      keys.set(place + key, {
        ...{ key, lane: first.lane, state, head: first.number, fence: queues.nextFence(), tries: 0, crashes: 0 },
        ...{ isUnderWay: false, nextAt: database.clock.now() },
      })
    },
    nextFence: () => draw('fence'),
    queueLock: (key) => `parked queue ${place}${key}`,
    rowLock: (key) => `parked row ${place}${key}`,
    get isPaused() {
      return database.table('paused subscription').has(subscription)
    },
  }
  return queues
}

function blocks(next: NextStep | undefined): boolean {
  return next?.kind !== 'dead' || next.blocks
}

function isSame(one: StoredMessage, other: StoredMessage): boolean {
  return one.source === other.source && one.epoch === other.epoch && one.position === other.position
}
