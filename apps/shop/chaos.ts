import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import * as z from 'zod'

const help = `Kills the shop's services and its database server at random moments, run after run, and checks every time that
nothing was lost and nothing happened twice.

  npm run chaos                      three runs of the whole month, with the seeds 1, 2, 3
  npm run chaos -- 10                ten runs
  npm run chaos -- 1 42              one run, with the seed 42
  npm run chaos -- --invoices N      the first N invoices only
  npm run chaos -- --file FILE       another file
  npm run chaos -- --broker kafka    over Kafka, or redis for Redis Streams; the broker is killed, too

A run that fails prints how to repeat it. The moments and victims of a seed are the same; what they meet is not.
`

/** What a round needs to know of the shop's `--json` answer. */
const outcome = z.object({
  seconds: z.number(),
  restarts: z.number(),
  killed: z.array(z.string()),
  reconciliation: z.object({
    isEqual: z.boolean(),
    file: z.object({ invoices: z.number(), total: z.string() }),
    events: z.array(z.object({ applied: z.number(), doubled: z.number(), lost: z.number() })),
  }),
})

const home = fileURLToPath(new URL('../../.estafet/chaos/', import.meta.url))
const say = (text: string): void => void process.stdout.write(`${text}\n`)

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      invoices: { type: 'string' },
      file: { type: 'string' },
      broker: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    say(help)
    return 0
  }
  const [rounds = 3, seed = 1, ...others] = positionals.map(Number)
  if (others.length > 0 || ![rounds, seed].every((each) => Number.isInteger(each) && each > 0)) {
    say('How many runs, and the first seed, are whole numbers from 1: npm run chaos -- 3 42')
    return 2
  }
  const more = (['invoices', 'file', 'broker'] as const).flatMap((name) => {
    const value = values[name]
    return value === undefined ? [] : [`--${name}`, value]
  })
  for (let round = 0; round < rounds; round++) {
    // The first failure ends it: the next run would wipe the databases that tell what happened.
    if (!(await survives(seed + round, more))) return 1
  }
  say(rounds === 1 ? 'The run reconciled.' : `All ${rounds} runs reconciled.`)
  return 0
}

async function survives(seed: number, more: readonly string[]): Promise<boolean> {
  const words = ['--kill', String(seed), ...more]
  const { code, text } = await runShop([...words, '--json'])
  const read = code === 0 || code === 1 ? outcome.safeParse(parsed(text)) : null
  if (read?.success !== true) {
    say(`seed ${seed}: the run ended with exit code ${code}. Repeat it: npm start -- ${words.join(' ')}`)
    return false
  }
  const { killed, restarts, seconds, reconciliation: found } = read.data
  const engines = new Set(['PostgreSQL', ...killed.filter((name) => name === 'broker')])
  const sum = (of: 'applied' | 'doubled' | 'lost'): number => found.events.reduce((so, each) => so + each[of], 0)
  say(
    `seed ${seed}: ${killed.length} kills (${[...engines].map((name) => `${times(killed, name)} of the ${name === 'broker' ? name : 'database server'}`).join(', ')}), ` +
      `${restarts} restarts, ${found.file.invoices} invoices, ${found.file.total}; ${sum('applied')} effects, ` +
      `${sum('lost')} lost, ${sum('doubled')} doubled; ${seconds.toFixed(0)} s: ${found.isEqual ? 'equal' : 'NOT EQUAL'}`,
  )
  if (code === 0) return true
  const file = join(home, `seed-${seed}.json`)
  writeFileSync(file, text)
  say(`What differs: ${file}; the databases are left in ${home}. Repeat it: npm start -- ${words.join(' ')}`)
  return false
}

function times(killed: readonly string[], name: string): number {
  return killed.filter((each) => each === name).length
}

function runShop(words: readonly string[]): Promise<{ code: number | null; text: string }> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, main, '--home', home, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill('SIGTERM'))
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, text }))
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

process.exitCode = await main()
