import type { Lane, LaneGroup, LaneStore, Progress } from '../../ports/lane-store.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

/** Lanes in the tables of migration 0002. `sql` is a pool whose role is a member of the database's `subscriber` role. */
export function postgresLaneStore(sql: Sql): LaneStore<Sql> {
  return {
    async survey(group, { owner, leaseMs, working }) {
      const [row] = await run<{ members: string[]; holders: (string | null)[] }>(sql, {
        name: 'estafet-lane-survey',
        text: `SELECT s.members, s.holders FROM estafet.survey($1, $2, $3, $4::bigint[], $5, $6, $7::bigint, $8::smallint[]) AS s`,
        values: [
          group.subscription,
          group.feed,
          group.epoch,
          group.starts.map(String),
          group.isNewEpochAccepted,
          owner,
          leaseMs,
          working,
        ],
      })
      return { members: row?.members ?? [], holders: row?.holders ?? [] }
    },

    async take(group, index, owner, leaseMs) {
      const [row] = await run<LaneRow>(sql, {
        name: 'estafet-lane-take',
        text: takeText,
        values: [group.subscription, group.feed, group.epoch, index, owner, leaseMs],
      })
      return row === undefined ? null : toLane(group, index, owner, row)
    },

    async save(tx, lane, progress) {
      const { subscription, feed, epoch } = lane.group
      await run(tx, {
        name: 'estafet-lane-save',
        text: `SELECT estafet.save_lane($1, $2, $3, $4::smallint, $5::bigint, $6::bigint, $7::bigint, $8::json)`,
        values: [
          ...[subscription, feed, epoch, lane.index, lane.fence.toString(), lane.cursor.toString()],
          ...[progress.cursor.toString(), fromMarks(progress.marks)],
        ],
      })
    },

    async release(lane) {
      await run(sql, {
        name: 'estafet-lane-release',
        text: `UPDATE estafet.lane SET owner = NULL, leased_until = NULL
          WHERE subscription = $1 AND feed = $2 AND epoch = $3 AND lane = $4 AND fence = $5::bigint`,
        values: [lane.group.subscription, lane.group.feed, lane.group.epoch, lane.index, lane.fence.toString()],
      })
    },
  }
}

// SKIP LOCKED: a frozen holder's open transaction must not freeze those who want to take over.
const takeText = `UPDATE estafet.lane AS l
  SET owner = $5, fence = l.fence + 1, abandoned = CASE WHEN l.owner IS NULL THEN 0 ELSE l.abandoned + 1 END, leased_until = clock_timestamp() + $6::bigint * interval '1 millisecond'
  FROM (SELECT c.lane FROM estafet.lane AS c WHERE c.subscription = $1 AND c.feed = $2 AND c.epoch = $3 AND c.lane = $4
    AND (c.owner IS NULL OR c.owner = $5 OR c.leased_until <= clock_timestamp()) FOR UPDATE SKIP LOCKED) AS free
  WHERE l.subscription = $1 AND l.feed = $2 AND l.epoch = $3 AND l.lane = free.lane
  RETURNING l.fence::text AS fence, l.cursor::text AS cursor, l.marks::text AS marks, l.abandoned`

interface LaneRow {
  readonly fence: string
  readonly cursor: string
  readonly marks: string | null
  readonly abandoned: number
}

function toLane(group: LaneGroup, index: number, owner: string, row: LaneRow): Lane {
  const { abandoned } = row
  return {
    ...{ group, index, owner, abandoned, fence: BigInt(row.fence) },
    ...{ cursor: BigInt(row.cursor), marks: toMarks(row.marks) },
  }
}

function toMarks(text: string | null): Progress['marks'] {
  const parsed: unknown = text === null ? {} : JSON.parse(text)
  if (typeof parsed !== 'object' || parsed === null) return {}
  return Object.fromEntries(Object.entries(parsed).map(([chain, position]) => [chain, BigInt(String(position))]))
}

function fromMarks(marks: Progress['marks']): string | null {
  const entries = Object.entries(marks).map(([chain, position]) => [chain, position.toString()])
  return entries.length === 0 ? null : JSON.stringify(Object.fromEntries(entries))
}
