import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

export interface Options {
  readonly file: string
  readonly rate: number
  readonly invoices: number
  readonly stay: boolean
  readonly json: boolean
  readonly help: boolean
  /** Seed of the kills during the run; null for none. */
  readonly kill: number | null
  /** Share of the events that fail on purpose; null for none. */
  readonly poison: number | null
  /** What carries the events; null: services read each other's logs. */
  readonly broker: 'kafka' | 'redis' | null
  readonly home: string
}

/** A command line that cannot be followed; the message says what is wrong with it. */
export class UnusableOptions extends Error {}

export const help = `The shop: four services, each with its own database, fed with the invoices of a real web shop.

  npm start                       one month of invoices, then a reconciliation; exit code 0 if all is equal
  npm start -- --file FILE        another file of the same columns (.csv or .csv.gz)
  npm start -- --invoices N       the first N invoices only
  npm start -- --rate N           at most N invoices per second
  npm start -- --kill SEED        kill -9 services and the database server at random moments meanwhile
  npm start -- --poison 1%        let 1% of the events fail on purpose, show what is parked, mend the fault and redrive
  npm start -- --broker kafka     over Kafka, or redis for Redis Streams, in the place of each other's logs
  npm start -- --stay             keep it running afterwards; Ctrl-C ends it
  npm start -- --json             the reconciliation as JSON on standard output
  npm start -- --home FOLDER      where the database server keeps its files (.estafet/shop)

Every run begins with empty databases. Exit codes: 0 equal, 1 not equal, 2 an option or file is unusable.
`

/** Reads the command line; relative paths start at `cwd`. Throws UnusableOptions. */
export function options(words: readonly string[], cwd: string): Options {
  const values = parse(words)
  return {
    file:
      values.file === undefined
        ? fileURLToPath(new URL('data/online-retail-2010-12.csv.gz', import.meta.url))
        : resolve(cwd, values.file),
    rate: number('--rate', values.rate, 0.001) ?? Number.POSITIVE_INFINITY,
    invoices: number('--invoices', values.invoices, 1) ?? Number.POSITIVE_INFINITY,
    kill: number('--kill', values.kill, 1) ?? null,
    broker: broker(values.broker),
    poison: values.poison === undefined ? null : share('--poison', values.poison),
    home:
      values.home === undefined
        ? fileURLToPath(new URL('../../.estafet/shop/', import.meta.url))
        : resolve(cwd, values.home),
    stay: values.stay,
    json: values.json,
    help: values.help,
  }
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        file: { type: 'string' },
        rate: { type: 'string' },
        invoices: { type: 'string' },
        kill: { type: 'string' },
        poison: { type: 'string' },
        broker: { type: 'string' },
        home: { type: 'string' },
        stay: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    throw new UnusableOptions(error instanceof Error ? `${error.message}.` : 'The options cannot be read.')
  }
}

function broker(text: string | undefined): Options['broker'] {
  if (text === undefined) return null
  if (text === 'kafka' || text === 'redis') return text
  throw new UnusableOptions(`--broker wants kafka or redis, not ${JSON.stringify(text)}.`)
}

function share(name: string, text: string): number {
  const value = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text)
  if (/^[\d.]+%?$/.test(text) && value > 0 && value <= 0.5) return value
  throw new UnusableOptions(`${name} wants a share above 0 and up to 50%, such as 1%, not ${JSON.stringify(text)}.`)
}

function number(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  const isWhole = least < 1 || Number.isInteger(value)
  if (text.trim() !== '' && Number.isFinite(value) && value >= least && isWhole) return value
  const wanted = least < 1 ? 'a number above 0' : 'a whole number from 1'
  throw new UnusableOptions(`${name} wants ${wanted}, not ${JSON.stringify(text)}.`)
}
