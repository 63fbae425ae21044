// One process that copies streams, and that kills itself at a named step.
import { copyStreams } from 'estafet'
import { postgres, postgresStreams } from 'estafet/postgres'
import pg from 'pg'
import { dyingAt, type Fail, stepping } from '../crash/steps.ts'
import { userCopy } from '../unit/event-sourcing/user.ts'
import { logger } from './projection-system.ts'

export interface CopyChildOptions {
  readonly url: string
  readonly closes: boolean
  readonly fail: Fail
}

const { url, closes, fail }: CopyChildOptions = JSON.parse(process.env['COPY_CHILD'] ?? '{}')
const reach = dyingAt(fail)
const config: pg.PoolConfig & { pipeline: boolean } = { connectionString: url, max: 3, pipeline: true }
const pool = new pg.Pool(config)
pool.on('error', () => {})
const { copying } = postgresStreams(pool, { service: 'users', logger })
const { events } = copying

await copyStreams(
  {
    ...copying,
    unitOfWork: stepping(postgres(pool), reach).unitOfWork,
    events: {
      ...events,
      async read(stream, range) {
        const page = await events.read(stream, range)
        reach('read')
        return page
      },
      async append(tx, appends, options) {
        reach('before append')
        const appended = await events.append(tx, appends, options)
        reach('after append')
        return appended
      },
    },
  },
  userCopy(),
  { closes },
)
await pool.end()
