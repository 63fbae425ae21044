import type { StoredMessage } from '../message/message.ts'
import type { Lane, LaneGroup, LaneStore } from '../ports/lane-store.ts'
import type { Failure, NextStep, ParkedEntry, Parking } from '../ports/parking.ts'
import type { Attempt, Attempter, Retries } from '../ports/retries.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'
import type { OpenTransaction } from './log.ts'
import { sample } from './message.ts'

/** What a driver's test gives to the clauses of Parking and Retries: an empty database, and a place for effects. */
export interface ParkingDriver<Tx> {
  readonly parking: Parking<Tx>
  readonly retries: Retries<Tx>
  readonly lanes: LaneStore<Tx>
  readonly unitOfWork: UnitOfWork<Tx>
  begin(): Promise<OpenTransaction<Tx>>
  note(tx: Tx, effect: string): Promise<void>
  notes(): Promise<readonly string[]>
  /** Lets so many ms pass, and a little more. */
  lapse(ms: number): Promise<void>
  /** Time enough to see that somebody waits. */
  moment(): Promise<void>
  /** Pauses a subscription, as a person does. */
  pause(subscription: string): Promise<void>
}

export const group: LaneGroup = {
  ...{ subscription: 's', feed: 'f', epoch: 'e1', starts: [0n, 0n], isNewEpochAccepted: false },
}
export const by: Attempter = { owner: 'me', serviceVersion: '1.0.0' }
/** Longer than any clause takes. */
export const longMs = 60_000
export const atOnce: NextStep = { kind: 'retry', afterMs: 0, isCounted: true }

export async function takeLane<Tx>({ lanes }: ParkingDriver<Tx>, index = 0, of = group): Promise<Lane> {
  await lanes.survey(of, { owner: 'me', leaseMs: longMs, working: [] })
  const lane = await lanes.take(of, index, 'me', longMs)
  if (lane === null) throw new Error('the lane could not be taken')
  return lane
}

export function message(number: number, key: string, more: Partial<StoredMessage> = {}): StoredMessage {
  const place = { source: 'orders', epoch: 'e1', position: BigInt(number), time: '2026-01-02T03:04:05.678901Z' }
  return { ...sample(number, { key }), ...place, ...more }
}

export function failed(number: number, key: string, next: NextStep = atOnce): ParkedEntry {
  return { message: message(number, key), failure: failure(next) }
}

export function follower(number: number, key: string): ParkedEntry {
  return { message: message(number, key), failure: null }
}

export function failure(next: NextStep, more: Partial<Failure> = {}): Failure {
  return {
    ...{ handler: 'sample.taken', errorName: 'Error', errorMessage: 'it failed', stack: '', fingerprint: 'f00' },
    ...{ ...by, tries: 1, next },
    ...more,
  }
}

export async function parkAll<Tx>(
  { parking, unitOfWork }: ParkingDriver<Tx>,
  lane: Lane,
  entries: readonly ParkedEntry[],
): Promise<void> {
  await unitOfWork.run((tx) => parking.park(tx, lane, entries))
}

/** Begins an attempt that must be possible. */
export async function attemptAt<Tx>(
  { retries }: ParkingDriver<Tx>,
  key: string,
  heldMs = longMs,
  of = group,
): Promise<Attempt> {
  const attempt = await retries.begin({ group: of, key }, by, heldMs)
  if (attempt === null) throw new Error(`no attempt could begin with ${key}`)
  return attempt
}

/** Handles an attempt's message: notes its position. */
export async function apply<Tx>({ retries, unitOfWork, note }: ParkingDriver<Tx>, attempt: Attempt): Promise<void> {
  await unitOfWork.run(async (tx) => {
    await note(tx, attempt.message.position.toString())
    await retries.applied(tx, attempt)
  })
}

/** Handles what is due until nothing is parked, and says in which order; ends also if something is never due. */
export async function drain<Tx>(driver: ParkingDriver<Tx>): Promise<readonly string[]> {
  for (let round = 0; round < 20; round++) {
    const { keys, load } = await driver.retries.due(group, [0, 1], 10)
    if (load.messages === 0) break
    if (keys.length === 0) await driver.lapse(20)
    for (const key of keys) {
      const attempt = await driver.retries.begin({ group, key }, by, 20)
      if (attempt !== null) await apply(driver, attempt)
    }
  }
  return driver.notes()
}

export const positions = (messages: readonly StoredMessage[]): readonly string[] =>
  messages.map(({ position }) => position.toString())
