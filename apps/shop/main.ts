import { access } from 'node:fs/promises'
import { logger } from 'estafet'
import { help, type Options, options as readOptions } from './options.ts'
import { report } from './reconciliation/report.ts'
import { run } from './run.ts'
import { startSystem } from './system/system.ts'

const say = (text: string): void => void process.stderr.write(`${text}\n`)

/** Runs the shop as the command line asks; resolves to the exit code. */
async function main(): Promise<number> {
  let options: Options
  try {
    options = readOptions(process.argv.slice(2), process.cwd())
    await access(options.file)
  } catch (error) {
    say(`${error instanceof Error ? error.message : error}\nnpm start -- --help shows the options.`)
    return 2
  }
  if (options.help) {
    process.stdout.write(help)
    return 0
  }
  const ending = endOnSignals()
  const log = logger({ service: 'shop', level: options.kill === null ? 'info' : 'error' })
  say('Starting PostgreSQL and the services orders, inventory, payments, notifications ...')
  const system = await startSystem(options.home, { logger: log, quiet: true })
  try {
    const at = await system.supervisor.ready()
    say(`orders listens on ${at['orders']?.['url']} (its OpenAPI document: /openapi.json)`)
    const done = await run(system, options, ending, say)
    process.stdout.write(options.json ? `${JSON.stringify(done, null, 2)}\n` : `\n${report(done)}\n`)
    if (options.stay) {
      say('\nThe shop stays up; Ctrl-C ends it.')
      await new Promise((resolve) => ending.addEventListener('abort', resolve))
    }
    return done.reconciliation.isEqual ? 0 : 1
  } catch (error) {
    if (!ending.aborted) throw error
    say('\nStopped before the end.')
    return 130
  } finally {
    await system.stop()
  }
}

/** Aborts on Ctrl-C, on SIGTERM, and when npm, which started us, is gone. */
function endOnSignals(): AbortSignal {
  const ending = new AbortController()
  process.on('SIGINT', () => ending.abort())
  process.on('SIGTERM', () => ending.abort())
  const parent = process.ppid
  if (process.env['npm_lifecycle_event'] !== undefined) {
    setInterval(() => process.ppid !== parent && ending.abort(), 500).unref()
  }
  return ending.signal
}

process.exitCode = await main()
process.exit()
