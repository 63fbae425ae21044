// Compares the file of a run with what is in the four databases: by itself, with plain SQL, and with nothing of the toolkit. A run
// starts it as a process of its own; without one, it looks at the databases that the last run left. Exit codes: 0 equal, 1 not.
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startPostgres } from '../../engines/postgres/server.ts'
import { fileTrips } from './reconciliation/file-trips.ts'
import { type Databases, readDatabases } from './reconciliation/found.ts'
import { reconcile } from './reconciliation/reconcile.ts'
import { report } from './reconciliation/report.ts'

/** What a run leaves in its folder. */
interface LastRun {
  readonly file: string
  /** Null: all of them. */
  readonly trips: number | null
  readonly badLines: readonly number[]
}

const { values } = parseArgs({
  options: {
    home: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

async function main(): Promise<number> {
  if (values.help) {
    console.log(
      'npm run reconcile -w apps/booking [-- --home FOLDER] [--json]: compares the last run with its file once more.',
    )
    return 0
  }
  const home =
    values.home === undefined
      ? fileURLToPath(new URL('../../.estafet/booking/', import.meta.url))
      : resolve(process.env['INIT_CWD'] ?? process.cwd(), values.home)
  const noted = join(home, 'last-run.json')
  if (!existsSync(noted)) {
    console.error(`${noted} is not there: run npm start -w apps/booking first.`)
    return 2
  }
  const { file, trips, badLines }: LastRun = JSON.parse(readFileSync(noted, 'utf8'))
  // The server of a run that is on; its address holds a password, and so is no argument.
  const running = process.env['BOOKING_ADMIN_URL']
  const server = running === undefined ? await startPostgres({ home }) : null
  try {
    const found = await readDatabases(databasesOf(running ?? server?.adminUrl ?? ''))
    const result = reconcile(fileTrips(file, trips ?? Number.POSITIVE_INFINITY, badLines), found)
    console.log(values.json ? JSON.stringify(result, null, 2) : report(found, result))
    return result.isEqual ? 0 : 1
  } finally {
    await server?.stop()
  }
}

function databasesOf(adminUrl: string): Databases {
  const of = (name: string): string => Object.assign(new URL(adminUrl), { pathname: `/${name}` }).href
  return { booking: of('booking'), hotel: of('hotel'), car: of('car'), payment: of('payment') }
}

process.exitCode = await main()
