import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { logger } from 'estafet'
import { MissingEngine } from '../../engines/application/broker.ts'
import { FolderInUse, takeFolder } from '../../engines/application/exclusive-folder.ts'
import { UnusableFile } from '../../engines/application/text-lines.ts'
import { help, type Options, options as readOptions, UnusableOptions } from './options.ts'
import type { Poison } from './poison/poisoned.ts'
import { report } from './reconciliation/report.ts'
import { type ReadInvoices, readInvoices } from './replay/invoices.ts'
import { run } from './run.ts'
import { serviceNames } from './system/services.ts'
import { type System, startSystem } from './system/system.ts'

const say = (text: string): void => void process.stderr.write(`${text}\n`)

/** Runs the shop as the command line asks; resolves to the exit code. */
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
      say(`Reading ${options.file} ...`)
      return await runShop(options, await readInvoices(options.file, options.invoices), ending)
    } finally {
      giveBack()
    }
  } catch (error) {
    if (ending.aborted) {
      say('\nStopped before the end.')
      return 130
    }
    if (!(error instanceof Error)) throw error
    const isUsage = [UnusableOptions, UnusableFile, MissingEngine].some((kind) => error instanceof kind)
    if (!isUsage) throw error
    say(`${error.message}\nnpm start -- --help shows the options.`)
    return 2
  }
}

function folderOf(home: string): () => void {
  try {
    return takeFolder(home)
  } catch (cause) {
    if (!(cause instanceof FolderInUse)) throw cause
    throw new UnusableOptions(
      `Another shop is running on ${home}: stop it (Ctrl-C where it runs), or give this one a folder by --home.`,
      { cause },
    )
  }
}

async function runShop(options: Options, read: ReadInvoices, ending: AbortSignal): Promise<number> {
  const isFaulty = options.kill !== null || options.poison !== null
  const log = logger({ service: 'shop', level: isFaulty ? 'error' : 'info' })
  const engines =
    options.broker === null ? 'PostgreSQL' : `PostgreSQL, ${options.broker === 'kafka' ? 'Kafka' : 'Redis'}`
  say(`Starting ${engines} and the services orders, inventory, payments, notifications ...`)
  const poison = options.poison === null ? {} : { poison: poisonFor(options.home, options.poison) }
  const broker = options.broker === null ? {} : { broker: options.broker }
  const system = await startSystem(options.home, { logger: log, quiet: true, ...poison, ...broker })
  try {
    const at = await system.supervisor.ready()
    const connect = writeConnectFile(options.home, system)
    ending.throwIfAborted()
    for (const [name, { url }] of Object.entries(at)) say(`  ${name.padEnd(14)}${url}/openapi.json`)
    const done = await run(system, { options, read, signal: ending, say })
    process.stdout.write(options.json ? `${JSON.stringify(done, null, 2)}\n` : `\n${report(done)}\n`)
    if (options.stay && !ending.aborted) {
      say(`\nThe shop stays up; Ctrl-C ends it. To look inside: npx estafet status --connect ${connect}`)
      await new Promise((resolve) => ending.addEventListener('abort', resolve))
    }
    return done.reconciliation.isEqual && (done.mended?.before.isExplained ?? true) ? 0 : 1
  } finally {
    await system.stop()
  }
}

/** Tells the command line where the services are; for this user alone, because the token is in it. */
function writeConnectFile(home: string, system: System): string {
  const path = join(home, 'ops.json')
  const services = Object.fromEntries(serviceNames.map((name) => [name, system.opsUrl(name)]))
  rmSync(path, { force: true })
  writeFileSync(path, JSON.stringify({ token: system.opsToken, services }), { mode: 0o600 })
  return path
}

/** A fault that lasts until somebody mends it: `mend` does. */
function poisonFor(home: string, share: number): Poison {
  const mended = join(home, 'mended')
  rmSync(mended, { force: true })
  return { share, mended }
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
