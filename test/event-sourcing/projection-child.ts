// One process that keeps read models up to date, and that kills itself at a named step.
import { isEstafetError, type Projection, startProjections } from 'estafet'
import { postgres, postgresStreams, project, projections, type Sql } from 'estafet/postgres'
import pg from 'pg'
import { dyingAt, type Fail, stepping } from '../crash/steps.ts'
import { Booked, balances, book, logger, reading, setsOf } from './projection-system.ts'

export interface ProjectionChildOptions {
  readonly url: string
  readonly versions: readonly number[]
  readonly fail: Fail
  /** True: many events at a time, as fast as it can. (Default: 7, one by one.) */
  readonly inSets?: boolean
  /** Kill -9 whenever this amount is folded. */
  readonly deadlyAmount?: number
}

const options: ProjectionChildOptions = JSON.parse(process.env['PROJECTION_CHILD'] ?? '{}')
const dying = dyingAt(options.fail)
let isSwitched = false

function reach(point: string): void {
  dying(point)
  if (point === 'after commit' && isSwitched) dying('serving')
}

const config: pg.PoolConfig & { pipeline: boolean } = {
  ...{ connectionString: options.url, max: 12, pipeline: true, application_name: 'projection-child' },
}
const pool = new pg.Pool(config)
pool.on('error', () => {})
const store = postgres(pool, { idleInTransactionMs: 800 })
const people = projections(pool)

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

const begin = () =>
  startProjections(
    options.versions.map((version) =>
      failing(balances(version, options.inSets === true ? setsOf(version) : { batchSize: 7, lanes: 2 })),
    ),
    {
      ...reading,
      ...{ store: stepping(store, reach), projections: { builds: failingBuilds }, logger },
      events: postgresStreams(pool, { service: 'bank', logger }).log,
    },
  )

// As a supervisor would: a database that fails while it starts is no end.
for (let isStarted = false; !isStarted; ) {
  isStarted = await begin().then(
    () => true,
    (error: unknown) => {
      if (isEstafetError(error, 'UNAVAILABLE')) return false
      throw error
    },
  )
}
