import { EstafetError } from '../../message/errors.ts'
import type { Lane, LaneGroup, LaneStore, Progress } from '../../ports/lane-store.ts'
import type { MemoryDatabase, MemoryTransaction } from './database.ts'
import type { MemorySession } from './session.ts'

/** Which checks of a save to leave out: only for tests that show what each is for. */
export interface LaneMutations {
  readonly checksFence: boolean
  readonly checksCursor: boolean
}

interface LaneRow extends Progress {
  readonly owner: string | null
  readonly fence: bigint
  readonly leasedUntil: number
  readonly abandoned: number
}

/** Lanes in a memory database. */
export function memoryLaneStore(
  session: MemorySession,
  mutations: LaneMutations = { checksFence: true, checksCursor: true },
): LaneStore<MemoryTransaction> {
  const { database, interrupt } = session
  const lanes = database.table<LaneRow>('lane')
  const members = database.table<number>('member')
  const isLive = (row: LaneRow): boolean => row.owner !== null && row.leasedUntil > database.clock.now()
  return {
    async survey(group, { owner, leaseMs, working }) {
      await interrupt('survey')
      makeLanes(database, lanes, group)
      const until = database.clock.now() + leaseMs
      members.set(`${groupKey(group)}\n${owner}`, until)
      const holders = group.starts.map((_, index) => {
        const key = laneKey(group, index)
        const row = rowOf(lanes, key)
        if (!isLive(row)) return null
        if (row.owner === owner && working.includes(index) && !isLocked(database, key))
          lanes.set(key, { ...row, leasedUntil: until })
        return row.owner
      })
      const live = [...members].filter(
        ([key, aliveUntil]) => key.startsWith(`${groupKey(group)}\n`) && aliveUntil > database.clock.now(),
      )
      return { members: live.map(([key]) => key.split('\n').at(-1) ?? '').sort(), holders }
    },

    async take(group, index, owner, leaseMs) {
      await interrupt('take')
      const key = laneKey(group, index)
      const row = rowOf(lanes, key)
      if (isLocked(database, key) || (isLive(row) && row.owner !== owner)) return null
      const abandoned = row.owner === null ? 0 : row.abandoned + 1
      const taken = { ...row, owner, abandoned, fence: row.fence + 1n, leasedUntil: database.clock.now() + leaseMs }
      lanes.set(key, taken)
      return { group, index, owner, abandoned, fence: taken.fence, cursor: row.cursor, marks: row.marks }
    },

    save(tx, lane, progress) {
      return database.statement(tx, async () => {
        await interrupt('save')
        const key = laneKey(lane.group, lane.index)
        await database.lock(tx, key, 'exclusive')
        const row = rowOf(lanes, key)
        const isFenced = mutations.checksFence && row.fence !== lane.fence
        if (isFenced || (mutations.checksCursor && row.cursor !== lane.cursor)) {
          tx.doom()
          throw new EstafetError('FENCED', 'The lane is held by another process or moved on; nothing was written.')
        }
        tx.atCommit(() => {
          lanes.set(key, { ...rowOf(lanes, key), ...progress, abandoned: 0 })
        })
      })
    },

    async release(lane) {
      await interrupt('release')
      const key = laneKey(lane.group, lane.index)
      const row = rowOf(lanes, key)
      if (row.fence === lane.fence) lanes.set(key, { ...row, owner: null, leasedUntil: 0 })
    },
  }
}

function makeLanes(database: MemoryDatabase, lanes: Map<string, LaneRow>, group: LaneGroup): void {
  const known = [...lanes.keys()].filter((key) => key.startsWith(`${groupKey(group)}\n`)).length
  if (known === 0) {
    const others = `${group.subscription}\n${group.feed}\n`
    if (!group.isNewEpochAccepted && [...lanes.keys()].some((key) => key.startsWith(others))) {
      throw new EstafetError('EPOCH_CHANGED', 'The subscription has progress in another epoch of this log.')
    }
    group.starts.forEach((cursor, index) => {
      database
        .table<LaneRow>('lane')
        .set(laneKey(group, index), { cursor, marks: {}, owner: null, fence: 0n, leasedUntil: 0, abandoned: 0 })
    })
  } else if (known !== group.starts.length) {
    throw new EstafetError(
      'MISCONFIGURED',
      'The subscription exists with another number of lanes; keep the old number.',
    )
  }
}

function isLocked(database: MemoryDatabase, key: string): boolean {
  return database.holders(key).length > 0
}

function rowOf(lanes: Map<string, LaneRow>, key: string): LaneRow {
  const row = lanes.get(key)
  if (row === undefined) throw new EstafetError('MISCONFIGURED', 'The lane does not exist: survey its group first.')
  return row
}

function groupKey(group: LaneGroup): string {
  return `${group.subscription}\n${group.feed}\n${group.epoch}`
}

function laneKey(group: LaneGroup, index: Lane['index']): string {
  return `${groupKey(group)}\n${index}`
}
