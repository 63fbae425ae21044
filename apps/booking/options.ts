import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Form, forms } from './booking/trips.ts'

export interface Options {
  readonly form: Form
  readonly file: string
  readonly trips: number
  /** What carries the messages; null: services read each other's logs. */
  readonly broker: 'kafka' | 'redis' | null
  readonly isKilling: boolean
  /** Decides the kills. */
  readonly seed: number
  readonly stay: boolean
  /** A page on which both forms are seen, in the place of the file's trips. */
  readonly isComparing: boolean
  /** Of the page; 0: a free one. */
  readonly port: number
  readonly json: boolean
  readonly help: boolean
  readonly home: string
}

/** A command line that cannot be followed; the message says what is wrong with it. */
export class UnusableOptions extends Error {}

export const help = `Trips with a room, a car if wanted, and a payment: four services, driven by the bookings of two real hotels.

  npm start -w apps/booking                          all trips of 2015, then a reconciliation; exit code 0 if it is equal
  npm start -w apps/booking -- --trips N             the first N arrivals only (or: all)
  npm start -w apps/booking -- --form choreographed  services react to each other's events, nobody leads
  npm start -w apps/booking -- --broker kafka        over Kafka, or redis for Redis Streams; embedded: each other's logs
  npm start -w apps/booking -- --kill                kill -9 services, the database server and the broker meanwhile
  npm start -w apps/booking -- --seed N              decides when and what is killed (1)
  npm start -w apps/booking -- --file FILE           another file of the same columns (.csv or .csv.gz)
  npm start -w apps/booking -- --stay                keep it running afterwards; Ctrl-C ends it
  npm start -w apps/booking -- --compare             a page: the same trip in both forms, side by side (--port N)
  npm start -w apps/booking -- --json                the result as JSON on standard output
  npm start -w apps/booking -- --home FOLDER         where the database server keeps its files (.estafet/booking)
  npm run reconcile -w apps/booking                  the reconciliation of the last run again, by itself

Every run begins with empty databases. Exit codes: 0 equal, 1 not equal, 2 an option or file is unusable.
`

export const defaultHome = fileURLToPath(new URL('../../.estafet/booking/', import.meta.url))
export const bookingsOf2015 = fileURLToPath(new URL('data/hotel-bookings-2015.csv.gz', import.meta.url))

/** Reads the command line; relative paths start at `cwd`. Throws UnusableOptions. */
export function options(words: readonly string[], cwd: string): Options {
  const { form, file, trips, broker, kill, seed, home, stay, json, compare, port, help: wantsHelp } = parse(words)
  return {
    form: oneOf('--form', form, forms),
    file: file === undefined ? bookingsOf2015 : resolve(cwd, file),
    trips: trips === 'all' ? Number.POSITIVE_INFINITY : number('--trips', trips),
    broker: brokerOf(oneOf('--broker', broker, ['embedded', 'kafka', 'redis'] as const)),
    isKilling: kill,
    seed: number('--seed', seed),
    home: home === undefined ? defaultHome : resolve(cwd, home),
    ...{ stay, json, help: wantsHelp, isComparing: compare, port: port === '0' ? 0 : number('--port', port) },
  }
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        form: { type: 'string', default: 'orchestrated' },
        file: { type: 'string' },
        trips: { type: 'string', default: 'all' },
        broker: { type: 'string', default: 'embedded' },
        kill: { type: 'boolean', default: false },
        seed: { type: 'string', default: '1' },
        home: { type: 'string' },
        stay: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        compare: { type: 'boolean', default: false },
        port: { type: 'string', default: '0' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    throw new UnusableOptions(error instanceof Error ? `${error.message}.` : 'The options cannot be read.')
  }
}

function oneOf<Word extends string>(name: string, text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text)
  if (found !== undefined) return found
  throw new UnusableOptions(`${name} wants ${words.join(' or ')}, not ${JSON.stringify(text)}.`)
}

function brokerOf(word: 'embedded' | 'kafka' | 'redis'): Options['broker'] {
  return word === 'embedded' ? null : word
}

function number(name: string, text: string): number {
  const value = Number(text)
  if (/^\d{1,9}$/.test(text) && value >= 1) return value
  throw new UnusableOptions(`${name} wants a whole number from 1, not ${JSON.stringify(text)}.`)
}
