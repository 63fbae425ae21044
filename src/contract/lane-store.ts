import type { Lane, LaneGroup, LaneMember, LaneStore } from '../ports/lane-store.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'
import { type Clause, holds, rejects, same } from './clause.ts'

/** What a driver's test gives to these clauses: an empty store, and a place for effects. */
export interface LaneDriver<Tx> {
  readonly lanes: LaneStore<Tx>
  readonly unitOfWork: UnitOfWork<Tx>
  note(tx: Tx, effect: string): Promise<void>
  notes(): Promise<readonly string[]>
  /** Lets time pass until a lease of so many ms has lapsed. */
  lapse(ms: number): Promise<void>
}

const group: LaneGroup = { subscription: 's', feed: 'f', epoch: 'e1', starts: [0n, 5n], isNewEpochAccepted: false }
const leaseMs = 60_000

/** The promises of LaneStore: what exactly-once effects rest on. */
export function laneClauses<Tx>(): readonly Clause<LaneDriver<Tx>>[] {
  return [
    {
      says: 'a survey shows members and holders, and makes lanes at their starts',
      async holds({ lanes }) {
        same(
          await lanes.survey(group, member('a', leaseMs)),
          { members: ['a'], holders: [null, null] },
          'the first survey',
        )
        same((await lanes.take(group, 1, 'a', leaseMs))?.cursor, 5n, 'the start of a lane')
        same(
          await lanes.survey(group, member('b', leaseMs)),
          { members: ['a', 'b'], holders: [null, 'a'] },
          'the second survey',
        )
      },
    },
    {
      says: 'a process that says goodbye is no member any more',
      async holds({ lanes }) {
        await lanes.survey(group, member('a', leaseMs))
        await lanes.survey(group, member('b', leaseMs))
        same((await lanes.survey(group, member('a', 0))).members, ['b'], 'the members for the one that leaves')
        same((await lanes.survey(group, member('b', leaseMs))).members, ['b'], 'the members for the one that stays')
      },
    },
    {
      says: 'a lane has one holder: another process cannot take it while the lease lives',
      async holds({ lanes }) {
        await lanes.survey(group, member('a', leaseMs))
        holds((await lanes.take(group, 0, 'a', leaseMs)) !== null, 'the first takes it')
        same(await lanes.take(group, 0, 'b', leaseMs), null, 'the second')
      },
    },
    {
      says: 'of several processes that take a lane at the same time, one gets it',
      async holds({ lanes }) {
        await lanes.survey(group, member('a', leaseMs))
        const owners = ['a', 'b', 'c', 'd']
        const taken = await Promise.all(owners.map((owner) => lanes.take(group, 0, owner, leaseMs)))
        const winners = taken.filter((lane) => lane !== null)
        same(winners.length, 1, 'how many got it')
        const { holders } = await lanes.survey(group, member('a', leaseMs))
        same(holders[0], winners[0]?.owner, 'who holds it')
      },
    },
    {
      says: 'a process that takes its own lane again gets it under a greater fence, and the old one is refused',
      async holds({ lanes, unitOfWork }) {
        await lanes.survey(group, member('a', leaseMs))
        const first = must(await lanes.take(group, 0, 'a', leaseMs))
        const second = must(await lanes.take(group, 0, 'a', leaseMs))
        holds(second.fence > first.fence, 'the fence grows')
        const save = unitOfWork.run((tx) => lanes.save(tx, first, { cursor: 3n, marks: {} }))
        await rejects(save, 'FENCED')
      },
    },
    {
      says: 'a lane that a transaction of its former holder still locks is not handed on before that has ended',
      async holds({ lanes, unitOfWork, lapse }) {
        await lanes.survey(group, member('a', 50))
        const old = must(await lanes.take(group, 0, 'a', 50))
        await unitOfWork.run(async (tx) => {
          await lanes.save(tx, old, { cursor: 3n, marks: {} })
          await lapse(50)
          same(await lanes.take(group, 0, 'b', leaseMs), null, 'while the transaction is open')
        })
        same((await lanes.take(group, 0, 'b', leaseMs))?.cursor, 3n, 'the cursor, once it has ended')
      },
    },
    {
      says: 'subscriptions are apart, and so are the feeds of one',
      async holds({ lanes, unitOfWork }) {
        const others = [
          { ...group, subscription: 's2' },
          { ...group, feed: 'f2' },
        ]
        for (const each of [group, ...others]) await lanes.survey(each, member('a', leaseMs))
        const lane = must(await lanes.take(group, 0, 'a', leaseMs))
        await unitOfWork.run((tx) => lanes.save(tx, lane, { cursor: 3n, marks: {} }))
        for (const other of others) {
          same((await lanes.survey(other, member('b', leaseMs))).holders, [null, null], 'the holders of the other')
          same((await lanes.take(other, 0, 'b', leaseMs))?.cursor, 0n, 'the cursor of the other')
        }
      },
    },
    {
      says: 'a lapsed lease can be taken by another, under a greater fence; a lapsed member is gone',
      async holds({ lanes, lapse }) {
        await lanes.survey(group, member('a', 50))
        const first = await lanes.take(group, 0, 'a', 50)
        await lapse(50)
        same(await lanes.survey(group, member('b', leaseMs)), { members: ['b'], holders: [null, null] }, 'the survey')
        const second = await lanes.take(group, 0, 'b', leaseMs)
        holds((second?.fence ?? 0n) > (first?.fence ?? 0n), 'the fence grows')
      },
    },
    {
      says: 'a survey extends the leases of the lanes that its process works on, and of no others',
      async holds({ lanes, lapse }) {
        await lanes.survey(group, member('a', leaseMs))
        await lanes.take(group, 0, 'a', 400)
        await lanes.take(group, 1, 'a', 400)
        await lanes.survey(group, { ...member('a', leaseMs), working: [0] })
        await lapse(400)
        same(await lanes.take(group, 0, 'b', leaseMs), null, 'another process, on a lane that is worked on')
        holds((await lanes.take(group, 1, 'b', leaseMs)) !== null, 'another process, on a lane that was lost')
      },
    },
    {
      says: 'progress is saved with the effects of its transaction, and not without them',
      async holds({ lanes, unitOfWork, note, notes }) {
        await lanes.survey(group, member('a', leaseMs))
        const lane = must(await lanes.take(group, 0, 'a', leaseMs))
        const failing = unitOfWork.run(async (tx) => {
          await note(tx, 'undone')
          await lanes.save(tx, lane, { cursor: 3n, marks: {} })
          throw Object.assign(new Error('on purpose'), { code: 'MINE' })
        })
        await rejects(failing, 'MINE')
        const progress = { cursor: 4n, marks: { 'orders/e1': 9_007_199_254_740_993n } }
        await unitOfWork.run(async (tx) => note(tx, 'kept').then(() => lanes.save(tx, lane, progress)))
        await lanes.release(lane)
        const again = must(await lanes.take(group, 0, 'b', leaseMs))
        same([again.cursor, again.marks, await notes()], [progress.cursor, progress.marks, ['kept']], 'the progress')
      },
    },
    {
      says: 'a save under an old fence is refused, and its effects with it',
      async holds({ lanes, unitOfWork, note, notes, lapse }) {
        await lanes.survey(group, member('a', 50))
        const old = must(await lanes.take(group, 0, 'a', 50))
        await lapse(50)
        must(await lanes.take(group, 0, 'b', leaseMs))
        const late = unitOfWork.run(async (tx) => {
          await note(tx, 'of a zombie')
          await lanes.save(tx, old, { cursor: 3n, marks: {} })
        })
        await rejects(late, 'FENCED')
        same(await notes(), [], 'the effects')
      },
    },
    {
      says: 'a save from a cursor that has moved on is refused, and its effects with it',
      async holds({ lanes, unitOfWork, note, notes }) {
        await lanes.survey(group, member('a', leaseMs))
        const lane = must(await lanes.take(group, 0, 'a', leaseMs))
        const save = () =>
          unitOfWork.run(async (tx) => {
            await note(tx, 'once')
            await lanes.save(tx, lane, { cursor: 3n, marks: {} })
          })
        await save()
        await rejects(save(), 'FENCED')
        same(await notes(), ['once'], 'the effects')
      },
    },
    {
      says: 'a transaction in which a save was refused cannot commit, even if nobody looked',
      async holds({ lanes, unitOfWork, note, notes }) {
        await lanes.survey(group, member('a', leaseMs))
        const lane = must(await lanes.take(group, 0, 'a', leaseMs))
        const careless = unitOfWork.run(async (tx) => {
          await note(tx, 'undone')
          await lanes.save(tx, { ...lane, fence: lane.fence + 1n }, { cursor: 3n, marks: {} }).catch(() => {})
        })
        await rejects(careless, 'CONFLICT')
        same(await notes(), [], 'the effects')
      },
    },
    {
      says: 'a lane that is given back can be taken at once; giving it back under an old fence does nothing',
      async holds({ lanes }) {
        await lanes.survey(group, member('a', leaseMs))
        const first = must(await lanes.take(group, 0, 'a', leaseMs))
        await lanes.release(first)
        const second = await lanes.take(group, 0, 'b', leaseMs)
        holds(second !== null, 'another process takes it')
        await lanes.release(first)
        same(await lanes.take(group, 0, 'c', leaseMs), null, 'after the old holder gave it back again')
      },
    },
    {
      says: 'holders in a row that went away without saving or giving back are counted',
      async holds({ lanes, unitOfWork, lapse }) {
        await lanes.survey(group, member('a', leaseMs))
        const counts: number[] = []
        const taken = async (owner: string): Promise<Lane> => {
          const lane = must(await lanes.take(group, 0, owner, 20))
          counts.push(lane.abandoned)
          return lane
        }
        for (const owner of ['a', 'b', 'b']) {
          await taken(owner)
          await lapse(20)
        }
        const saving = await taken('c')
        await unitOfWork.run((tx) => lanes.save(tx, saving, { cursor: 3n, marks: {} }))
        await lapse(20)
        await lanes.release(await taken('d'))
        await taken('e')
        // The one that saved went away, too: without a word since.
        same(counts, [0, 1, 2, 3, 1, 0], 'the counts')
      },
    },
    {
      says: 'another number of lanes is refused',
      async holds({ lanes }) {
        await lanes.survey(group, member('a', leaseMs))
        await rejects(lanes.survey({ ...group, starts: [0n, 0n, 0n] }, member('a', leaseMs)), 'MISCONFIGURED')
      },
    },
    {
      says: 'progress of another epoch refuses the group, until a person has accepted the new one',
      async holds({ lanes }) {
        await lanes.survey(group, member('a', leaseMs))
        const next = { ...group, epoch: 'e2', starts: [7n, 7n] }
        await rejects(lanes.survey(next, member('a', leaseMs)), 'EPOCH_CHANGED')
        await lanes.survey({ ...next, isNewEpochAccepted: true }, member('a', leaseMs))
        same((await lanes.take(next, 0, 'a', leaseMs))?.cursor, 7n, 'the start in the new epoch')
        same((await lanes.take(group, 0, 'a', leaseMs))?.cursor, 0n, 'the progress in the old one')
      },
    },
    {
      says: 'starts are for lanes that do not exist yet',
      async holds({ lanes }) {
        await lanes.survey(group, member('a', leaseMs))
        await lanes.survey({ ...group, starts: [9n, 9n] }, member('a', leaseMs))
        same((await lanes.take(group, 0, 'a', leaseMs))?.cursor, 0n, 'the cursor')
      },
    },
  ]
}

function member(owner: string, leasedMs: number): LaneMember {
  return { owner, leaseMs: leasedMs, working: [] }
}

function must<Value>(value: Value | null): Value {
  if (value === null) throw new Error('the lane could not be taken')
  return value
}
