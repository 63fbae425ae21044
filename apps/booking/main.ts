import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Logger, logger } from 'estafet'
import { MissingEngine } from '../../engines/application/broker.ts'
import { FolderInUse, takeFolder } from '../../engines/application/exclusive-folder.ts'
import { UnusableSettings } from '../../engines/application/settings.ts'
import { UnusableFile } from '../../engines/application/text-lines.ts'
import { compare } from './compare/compare.ts'
import { help, type Options, options as readOptions, UnusableOptions } from './options.ts'
import { type Run, run } from './run.ts'
import { serviceNames } from './system/services.ts'
import { type System, startSystem } from './system/system.ts'
import { type ReadBookings, readBookings } from './trips/bookings.ts'

const say = (text: string): void => void process.stderr.write(`${text}\n`)

/** Runs the application as the command line asks; resolves to the exit code. */
async function main(): Promise<number> {
  const ending = endOnSignals()
  try {
    const options = readOptions(process.argv.slice(2), process.env['INIT_CWD'] ?? process.cwd())
    if (options.help) {
      process.stdout.write(help)
      return 0
    }
    const giveBack = folderOf(options.home)
    try {
      if (options.isComparing) return await withSystem(options, ending, (...system) => showForms(options, ...system))
      say(`Reading ${options.file} ...`)
      const read = await readBookings(options.file, options.trips)
      return await withSystem(options, ending, (...system) => runTrips(options, read, ...system))
    } finally {
      giveBack()
    }
  } catch (error) {
    if (ending.aborted) {
      say('\nStopped before the end.')
      return 130
    }
    if (!(error instanceof Error)) throw error
    const isUsage = [UnusableOptions, UnusableFile, UnusableSettings, MissingEngine].some(
      (kind) => error instanceof kind,
    )
    if (!isUsage) throw error
    say(`${error.message}\nnpm start -w apps/booking -- --help shows the options.`)
    return 2
  }
}

function folderOf(home: string): () => void {
  try {
    return takeFolder(home)
  } catch (cause) {
    if (!(cause instanceof FolderInUse)) throw cause
    throw new UnusableOptions(
      `Another one is running on ${home}: stop it (Ctrl-C where it runs), or give this one a folder by --home.`,
      { cause },
    )
  }
}

/** A system that is ready, what it runs on, and the file that tells the command line where it is. */
type Ready = [system: System, about: { readonly engines: string; readonly connect: string }, ending: AbortSignal]

async function withSystem(
  options: Options,
  ending: AbortSignal,
  work: (...system: Ready) => Promise<number>,
): Promise<number> {
  const logger = loggerOf(options)
  const engines = { kafka: 'PostgreSQL, Kafka', redis: 'PostgreSQL, Redis', none: 'PostgreSQL' }[
    options.broker ?? 'none'
  ]
  say(`Starting ${engines} and the services ${serviceNames.join(', ')} ...`)
  const broker = options.broker === null ? {} : { broker: options.broker }
  const system = await startSystem(options.home, { logger, quiet: true, ...broker })
  try {
    const at = await system.supervisor.ready()
    const connect = writeConnectFile(options.home, system)
    ending.throwIfAborted()
    for (const [name, { url }] of Object.entries(at)) say(`  ${name.padEnd(14)}${url}/openapi.json`)
    return await work(system, { engines, connect }, ending)
  } finally {
    await system.stop()
  }
}

function loggerOf({ isKilling }: Options): Logger {
  return logger({ service: 'booking', level: isKilling ? 'error' : 'warn' })
}

async function runTrips(
  options: Options,
  read: ReadBookings,
  ...[system, { connect }, ending]: Ready
): Promise<number> {
  say(
    `${read.bookings.length} trips, ${options.form}${options.isKilling ? `, killing with the seed ${options.seed}` : ''}`,
  )
  const done = await run(system, { options, read, signal: ending, say })
  process.stdout.write(options.json ? `${json(done, options)}\n` : `\n${report(done, read)}\n`)
  if (options.stay && !ending.aborted) {
    say(`\nIt stays up; Ctrl-C ends it. To look inside: npx estafet status --connect ${connect}`)
    await new Promise((resolve) => ending.addEventListener('abort', resolve))
  }
  return done.reconciled.code
}

async function showForms(options: Options, ...[system, { engines, connect }, ending]: Ready): Promise<number> {
  const page = await compare(system, { port: options.port, engines, logger: loggerOf(options) })
  say(`
  Page          ${page.url}

Each button asks for the same trip twice: led by booking, and with nobody in charge. To look inside:

  npx estafet sagas list --connect ${connect}
  npx estafet flows list --connect ${connect}

Ctrl-C ends it.`)
  await new Promise((resolve) => ending.addEventListener('abort', resolve))
  await page.close()
  return 0
}

function json({ reconciled, ...run }: Run, { form, seed, broker }: Options): string {
  return JSON.stringify({ form, seed, broker, ...run, reconciliation: JSON.parse(reconciled.text) }, null, 2)
}

function report({ sent, killed, restarts, seconds, reconciled }: Run, { badLines }: ReadBookings): string {
  const victims = [...new Set(killed)].sort().map((name) => `${name} ${killed.filter((each) => each === name).length}`)
  const refused = sent.refused.slice(0, 10).map(({ tripId, status }) => `  ${tripId}: HTTP ${status}`)
  return [
    `Asked for ${sent.begun} trips and gave ${sent.givenUp} of them up, in ${seconds.toFixed(0)} s; ${sent.retries} requests repeated, ${sent.refused.length} refused, ${badLines.length} bad lines skipped.`,
    ...refused,
    ...(killed.length === 0
      ? []
      : [`Killed ${killed.length} times: ${victims.join(', ')}. ${restarts} restarts of services.`]),
    '',
    reconciled.text,
  ].join('\n')
}

/** Tells the command line where the services are; for this user alone, because the token is in it. */
function writeConnectFile(home: string, system: System): string {
  const path = join(home, 'ops.json')
  const services = Object.fromEntries(serviceNames.map((name) => [name, system.opsUrl(name)]))
  rmSync(path, { force: true })
  writeFileSync(path, JSON.stringify({ token: system.opsToken, services }), { mode: 0o600 })
  return path
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
