import type { Projection } from '../projection/projection.ts'
import type { Projections } from '../runtime/projection-people.ts'

/** The read models of a service that people may look at and steer. */
export interface OpsProjections<Tx> {
  /** `projections(pool)` of the service's database. */
  readonly people: Projections<Tx>
  /** Those that can be verified here: their handlers fold the events again. (Default: none.) */
  readonly definitions?: readonly Projection<Tx>[]
}

/** The same, whatever its kind of transaction. */
export interface ShownProjections
  extends Pick<Projections<never>, 'list' | 'pause' | 'resume' | 'rebuild' | 'promote' | 'drop'> {
  /** Null when its definition is not here. */
  readonly verify: (projection: string) => ReturnType<Projections<never>['verify']> | null
}

export function shownProjections<Tx>({ people, definitions = [] }: OpsProjections<Tx>): ShownProjections {
  return {
    list: () => people.list(),
    pause: (projection, by) => people.pause(projection, by),
    resume: (projection, by) => people.resume(projection, by),
    rebuild: (projection, by) => people.rebuild(projection, by),
    promote: (projection, of, by) => people.promote(projection, of, by),
    drop: (projection, of, by) => people.drop(projection, of, by),
    verify(projection) {
      // Several versions of one may be defined; the newest is what people mean.
      const all = definitions.filter(({ name }) => name === projection).sort((a, b) => b.version - a.version)
      return all[0] === undefined ? null : people.verify(all[0])
    },
  }
}
