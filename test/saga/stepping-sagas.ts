import { type OutgoingMessage, type SagaService, type Sagas, type Store, sagaService } from 'estafet'
import type { PostgresStore, Sql } from 'estafet/postgres'
import type pg from 'pg'
import { postgresSagaSearch } from '../../src/drivers/postgres/saga-search.ts'
import { postgresSagas } from '../../src/drivers/postgres/sagas.ts'
import { postgresStepFence } from '../../src/drivers/postgres/step-fence.ts'
import { systemClock } from '../../src/runtime/world.ts'
import type { Reach } from '../crash/steps.ts'
import { silent, Trip, type TripSaga } from './trip-system.ts'

export interface SteppingSagas {
  readonly trips: SagaService<Sql> & { beginOwn(guest: string): Promise<boolean> }
  readonly stepping: Store<Sql>
}

/**
 * Sagas with a named point after each change of their journal, before it is committed and after: `saved room done`, `committed room done`. So
 * the points are what a journal holds.
 */
export function steppingSagas(
  pool: pg.Pool,
  store: PostgresStore,
  of: readonly TripSaga[],
  reach: Reach,
): SteppingSagas {
  const own = postgresSagas()
  const changed = new WeakMap<object, string[]>()
  const sagas: Sagas<Sql> = {
    ...own,
    async save(tx, id, change) {
      const names = change.steps.map(({ name, state }) => `${name} ${state}`)
      if (change.status === 'completed' || change.status === 'compensated') names.push(change.status)
      changed.set(tx, [...(changed.get(tx) ?? []), ...names])
      await own.save(tx, id, change)
      for (const name of names) reach(`saved ${name}`)
    },
  }
  const unitOfWork: Store<Sql>['unitOfWork'] = {
    async run(work, last) {
      let names: readonly string[] = []
      const result = await store.unitOfWork.run(work, async (tx) => {
        names = changed.get(tx) ?? []
        await last?.(tx)
      })
      for (const name of names) reach(`committed ${name}`)
      return result
    },
  }
  const stepping: Store<Sql> = { ...store, unitOfWork }
  const fence = postgresStepFence()
  const trips = sagaService(
    { store: stepping, sagas, search: postgresSagaSearch(pool), fence, clock: systemClock },
    { service: 'booking', of, logger: silent },
  )
  const beginOwn = async (guest: string): Promise<boolean> => {
    const outgoing: OutgoingMessage[] = []
    const publish = (...messages: readonly OutgoingMessage[]): void => void outgoing.push(...messages)
    let write: (tx: Sql) => Promise<unknown> = () => Promise.resolve()
    return unitOfWork.run(
      async (tx) => {
        const isNew = await trips.begin({ tx, publish }, Trip, `trip-${guest}`, { guest, wantsCar: true })
        write = await store.prepare(outgoing)
        return isNew
      },
      (tx) => write(tx),
    )
  }
  return { trips: { ...trips, beginOwn }, stepping }
}
