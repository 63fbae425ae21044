import type { LaneSurvey } from '../ports/lane-store.ts'

export interface LaneShare {
  /** Lanes to try to take, best first. */
  readonly take: readonly number[]
  /** Lanes to give back, because others have too few. */
  readonly release: readonly number[]
}

/**
 * Decides which lanes a process should take or give back, so that live processes hold equal shares within one lane.
 *
 * Every process decides for itself from the same survey; two that take the same lane are told apart by the lease. The
 * `remainder` lanes go to the first members, so that shares settle and no lane wanders.
 */
export function shareLanes(survey: LaneSurvey, owner: string): LaneShare {
  const { members, holders } = survey
  const rank = Math.max(0, members.indexOf(owner))
  const size = Math.max(1, members.length)
  const fair = Math.floor(holders.length / size) + (rank < holders.length % size ? 1 : 0)
  const mine = lanesOf(holders, owner)
  const free = lanesOf(holders, null)
  return {
    // Starting at a place of our own keeps processes that start together from racing for the same lane.
    take: rotate(free, rank).slice(0, Math.max(0, fair - mine.length)),
    release: mine.slice(fair),
  }
}

function lanesOf(holders: readonly (string | null)[], owner: string | null): readonly number[] {
  return holders.flatMap((holder, lane) => (holder === owner ? [lane] : []))
}

function rotate(lanes: readonly number[], by: number): readonly number[] {
  const at = lanes.length === 0 ? 0 : by % lanes.length
  return [...lanes.slice(at), ...lanes.slice(0, at)]
}
