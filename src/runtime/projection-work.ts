import { errorName } from '../delivery/failure.ts'
import type { DeliverParts } from '../inbox/deliver.ts'
import { EstafetError, isEstafetError } from '../message/errors.ts'
import type { Lane } from '../ports/lane-store.ts'
import type { Stop } from '../ports/projections.ts'
import { carefulAfter, type Poison, projectOnce, stopOf } from '../projection/step.ts'
import type { LaneWork } from './lane-loop.ts'

/** Where a lane's standstill is written down, for people. */
export interface StopNotes {
  stopped(stop: Omit<Stop, 'tries' | 'since'>): Promise<void>
  moved(lane: Pick<Stop, 'feed' | 'lane'>): Promise<void>
}

export interface WorkCounters {
  applied: number
  duplicates: number
  retried: number
}

/**
 * What a lane's loop does for a projection that stops: folds, and stands before what cannot be folded. The loop tries that
 * again after its waits, so that it goes on by itself once it is mended.
 */
export function stoppingWork<Tx>(parts: DeliverParts<Tx>, notes: StopNotes, counters: WorkCounters): LaneWork {
  // Lanes of which no stop is written down, as far as this process knows.
  const moving = new Set<number>()

  /** How far the lane got is saved by now; a note that cannot be written must not hide that. */
  async function note(writing: Promise<void>): Promise<void> {
    await writing.catch((error: unknown) => {
      parts.logger.warn('where a projection stands could not be written down', { error: errorName(error) })
    })
  }

  async function stopped(lane: Lane, { error, of }: Poison<Tx>): Promise<void> {
    // A lost race says nothing about the message, and is tried again at once.
    if (of === null || isEstafetError(error, 'CONFLICT')) return
    const stop = stopOf(lane, of.message, error, of.handler.name)
    if (moving.delete(lane.index)) {
      const { feed, position, type, messageId } = stop
      const fields = { feed, lane: lane.index, position: position.toString(), type, message_id: messageId }
      parts.logger.error('a projection is stopped', { ...fields, error: stop.errorName })
    }
    await note(notes.stopped(stop))
  }

  async function moved(lane: Lane): Promise<void> {
    if (moving.has(lane.index)) return
    moving.add(lane.index)
    await note(notes.moved({ feed: lane.group.feed, lane: lane.index }))
  }

  return {
    async handle(lane, fetched, signal) {
      const [first] = fetched.deliveries
      if (lane.abandoned >= carefulAfter && first !== undefined) {
        // Before it is tried: if it ends this process, too, nobody else can say so.
        const error = new EstafetError('CRASHED', 'Processes ended again and again while they folded from here on.')
        await note(notes.stopped(stopOf(lane, first.message, error, first.message.type)))
        moving.delete(lane.index)
      }
      const done = await projectOnce(parts, lane, fetched, signal)
      counters.applied += done.applied
      counters.duplicates += done.duplicates
      if (done.failure === null) {
        await moved(done.lane)
      } else {
        counters.retried += 1
        await stopped(done.lane, done.failure)
      }
      return { lane: done.lane, failure: done.failure?.error ?? null }
    },
    async skip(lane, cursor) {
      const progress = { cursor, marks: lane.marks }
      await parts.unitOfWork.run((tx) => parts.lanes.save(tx, lane, progress))
      return { ...lane, ...progress, abandoned: 0 }
    },
  }
}
