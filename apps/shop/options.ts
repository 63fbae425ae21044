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
  readonly home: string
}

export const help = `The shop: four services, each with its own database, fed with the invoices of a real web shop.

  npm start                       one month of invoices, then a reconciliation; exit code 0 if all is equal
  npm start -- --file FILE        another file of the same columns (.csv or .csv.gz)
  npm start -- --invoices N       the first N invoices only
  npm start -- --rate N           at most N invoices per second
  npm start -- --kill SEED        kill -9 services and the database server at random moments meanwhile
  npm start -- --stay             keep it running afterwards; Ctrl-C ends it
  npm start -- --json             the reconciliation as JSON on standard output
  npm start -- --home FOLDER      where the database server keeps its files (.estafet/shop)
`

const repository = new URL('../../', import.meta.url)

/** Reads the command line. Throws a sentence that says what to do. */
export function options(words: readonly string[], cwd: string): Options {
  const { values } = parseArgs({
    args: [...words],
    options: {
      file: { type: 'string' },
      rate: { type: 'string' },
      invoices: { type: 'string' },
      kill: { type: 'string' },
      home: { type: 'string' },
      stay: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const file = values.file ?? fileURLToPath(new URL('data/online-retail-2010-12.csv.gz', import.meta.url))
  return {
    file: file.startsWith('/') ? file : fileURLToPath(new URL(file, `file://${cwd}/`)),
    rate: number('--rate', values.rate) ?? Number.POSITIVE_INFINITY,
    invoices: number('--invoices', values.invoices) ?? Number.POSITIVE_INFINITY,
    kill: values.kill === undefined ? null : (number('--kill', values.kill) ?? null),
    home: values.home ?? fileURLToPath(new URL('.estafet/shop/', repository)),
    stay: values.stay,
    json: values.json,
    help: values.help,
  }
}

function number(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new Error(`${name} wants a number above 0, not ${JSON.stringify(text)}.`)
}
