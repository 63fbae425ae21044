import { setTimeout as sleep } from 'node:timers/promises'
import { isEstafetError, type Running } from 'estafet'
import type { PostgresStore } from 'estafet/postgres'
import type { Progress } from './progress.ts'

/** A service that follows the monolith. */
export interface Follower {
  readonly name: string
  readonly store: PostgresStore
  readonly running: Running
}

/** A key that waits for a person: its messages are not handled. */
export interface Stuck {
  readonly service: string
  readonly key: string
  readonly messages: number
}

/**
 * Waits until the followers have handled everything that was published before the call, or given it up; resolves to the latter. Shows
 * positions of the log: how far each has got.
 */
export async function caughtUp(followers: readonly Follower[], progress: Progress): Promise<readonly Stuck[]> {
  const stuck: Stuck[] = []
  for (const follower of followers) {
    const ends = await endsOf(follower)
    progress.stage(follower.name, Number(ends.flat().reduce((most, end) => (end > most ? end : most), 0n)))
    for (;;) {
      progress.at(Number(await lowestCursor(follower)))
      const parked = await parkedBy(follower)
      if ((await hasReached(follower, ends)) && parked.every(({ state }) => state === 'dead')) {
        stuck.push(...parked.map(({ key, messages }) => ({ service: follower.name, key, messages })))
        break
      }
      await sleep(25)
    }
  }
  return stuck
}

async function lowestCursor({ running, store }: Follower): Promise<bigint> {
  const { lanes } = await store.operations.control.state(running.subscription)
  const [first = 0n, ...others] = lanes.map(({ cursor }) => cursor)
  return others.reduce((least, cursor) => (cursor < least ? cursor : least), first)
}

async function endsOf({ running }: Follower): Promise<readonly (readonly bigint[])[]> {
  const ends: (readonly bigint[])[] = []
  for (const feed of running.feeds) {
    for (;;) {
      try {
        ends.push(await feed.ends())
        break
      } catch (error) {
        // What was begun before is being committed just now.
        if (!isEstafetError(error, 'UNAVAILABLE')) throw error
        await sleep(25)
      }
    }
  }
  return ends
}

async function hasReached({ running, store }: Follower, ends: readonly (readonly bigint[])[]): Promise<boolean> {
  const { lanes } = await store.operations.control.state(running.subscription)
  for (const [at, feed] of running.feeds.entries()) {
    const { epoch } = await feed.open()
    for (const [lane, end] of (ends[at] ?? []).entries()) {
      const saved = lanes.find((each) => each.feed === feed.name && each.epoch === epoch && each.lane === lane)
      if (saved === undefined) return false
      if (saved.cursor >= end) continue
      // Where nothing is handled nothing is saved: then it counts that there is nothing.
      const { deliveries, cursor } = await feed.fetch(lane, saved.cursor, 1)
      if (deliveries.length > 0 || cursor < end) return false
    }
  }
  return true
}

async function parkedBy({ running, store }: Follower) {
  const { items } = await store.operations.control.parkedKeys(running.subscription, { after: null, limit: 1_000 })
  return items
}
