// One process that keeps read models up to date, and that kills itself at a named step.
import { type Projection, type Store, startProjections } from 'estafet'
import { postgres, postgresStreams, project, projections, type Sql } from 'estafet/postgres'
import pg from 'pg'
import { Booked, balances, book, logger, reading } from './projection-system.ts'

export interface ProjectionChildOptions {
  readonly url: string
  readonly versions: readonly number[]
  /** Kill -9 at this step, the n-th time it is reached; null for never. */
  readonly fail: { readonly point: string; readonly times: number } | null
  /** Kill -9 whenever this amount is folded. */
  readonly deadlyAmount?: number
}

const options: ProjectionChildOptions = JSON.parse(process.env['PROJECTION_CHILD'] ?? '{}')
let left = options.fail?.times ?? 0
let isSwitched = false

function reach(point: string): void {
  if (options.fail?.point === point && --left === 0) process.kill(process.pid, 'SIGKILL')
}

const config: pg.PoolConfig & { pipeline: boolean } = {
  ...{ connectionString: options.url, max: 12, pipeline: true, application_name: 'projection-child' },
}
const pool = new pg.Pool(config)
pool.on('error', () => {})
const store = postgres(pool, { idleInTransactionMs: 800 })
const people = projections(pool)

const failingStore: Store<Sql> = {
  ...store,
  unitOfWork: {
    async run(work, last) {
      const result = await store.unitOfWork.run(
        async (tx) => {
          reach('begun')
          return work(tx)
        },
        async (tx) => {
          await last?.(tx)
          reach('before commit')
        },
      )
      reach('after commit')
      if (isSwitched) reach('serving')
      return result
    },
  },
  lanes: {
    ...store.lanes,
    async save(tx, lane, progress) {
      reach('before save')
      await store.lanes.save(tx, lane, progress)
      reach('after save')
    },
  },
}

const failingBuilds: typeof people.builds = {
  ...people.builds,
  async begin(tx, projection, of, setUp) {
    const isDone = await people.builds.begin(tx, projection, of, async () => {
      reach('before set-up')
      await setUp()
      reach('after set-up')
    })
    reach('begun to build')
    return isDone
  },
  async promote(tx, projection, of, by) {
    reach('before switch')
    const outcome = await people.builds.promote(tx, projection, of, by)
    if (outcome === 'done') isSwitched = true
    if (isSwitched) reach('switched')
    return outcome
  },
}

const deadly: typeof book = async (event, context) => {
  if (event.data.amount === options.deadlyAmount) process.kill(process.pid, 'SIGKILL')
  await book(event, context)
}

function failing(of: Projection<Sql>): Projection<Sql> {
  return {
    ...of,
    handlers: options.deadlyAmount === undefined ? of.handlers : [project(Booked, deadly)],
    async check(tx, table) {
      reach('in check')
      return of.check(tx, table)
    },
  }
}

await startProjections(
  options.versions.map((version) => failing(balances(version, { batchSize: 7, lanes: 2 }))),
  {
    ...reading,
    ...{ store: failingStore, projections: { builds: failingBuilds }, logger },
    events: postgresStreams(pool, { service: 'bank', logger }).log,
  },
)
