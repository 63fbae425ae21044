import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { onSmallDisk, smallDisk } from './disk.ts'
import { type Mutant, mutants } from './mutants.ts'
import { faultNames } from './nemesis.ts'
import { poisons } from './poison.ts'
import { type RunOptions, run } from './run.ts'

const help = `Hurts three services and their database server in every way that a seed decides, then checks that nothing was lost,
doubled, invented or out of order.

  npm run chaos:toolkit                       three minutes with the seed 1
  npm run chaos:toolkit -- --seed 7 --seconds 60
  npm run chaos:toolkit -- --seeds 20         the seeds from --seed on, until one fails
  npm run chaos:toolkit -- --faults kill,disk    these faults only: ${faultNames.join(' ')}
  npm run chaos:toolkit -- --poison none      no poison; or a number of kinds, of ${poisons.length} (default: all)
  npm run chaos:toolkit -- --breaker off      without what tells poison from a dependency that is down
  npm run chaos:toolkit -- --mutant "no fence"   one rule broken, which must be found: ${mutants.join(', ')}

Exit code 0: every promise was kept. 1: one was not, and the page says how to replay it. 2: this command is wrong.
`

const home = fileURLToPath(new URL('../../.estafet/chaos-toolkit/', import.meta.url))

interface Wanted extends Pick<RunOptions, 'seconds' | 'faults' | 'poison' | 'mutant' | 'hasBreaker'> {
  readonly seed: number
  readonly seeds: number
}

async function main(): Promise<number> {
  const wanted = read()
  if (typeof wanted === 'number') return wanted
  const left = await onSmallDisk(join(home, 'disk'))
  if (left !== null) return left
  const disk = smallDisk()
  const faults = wanted.faults.filter((name) => name !== 'disk' || disk !== null)
  for (let seed = wanted.seed; seed < wanted.seed + wanted.seeds; seed++) {
    const command = commandOf(wanted, seed)
    console.log(`seed ${seed}: ${command}`)
    const found = await run({
      ...{ ...wanted, seed, faults, disk, command },
      folder: join(home, `seed-${seed}`),
      say: (line) => void process.stderr.write(`${line}\n`),
    })
    console.log(
      `seed ${seed}: ${found.operations} operations (${found.unknown} unknown), ${found.effects} effects, ${found.dead} dead ` +
        `letters; ${found.injuries} injuries, ${found.restarts} restarts, ${found.swallowed} answers swallowed; drained in ` +
        `${(found.drainMs / 1000).toFixed(1)} s: ${found.faults.length === 0 ? 'kept' : `BROKEN, replay: ${command}`}`,
    )
    if (found.faults.length > 0) return 1
  }
  return 0
}

function read(): Wanted | number {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '180' },
      faults: { type: 'string', default: faultNames.join(',') },
      poison: { type: 'string', default: String(poisons.length) },
      mutant: { type: 'string' },
      breaker: { type: 'string', default: 'on' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    console.log(help)
    return 0
  }
  const numbers = { seed: Number(values.seed), seeds: Number(values.seeds), seconds: Number(values.seconds) }
  const names = values.faults === 'none' ? [] : values.faults.split(',')
  const faults = faultNames.filter((name) => names.includes(name))
  const mutant = mutants.find((name): name is Mutant => name === values.mutant) ?? null
  const kinds = values.poison === 'none' ? 0 : Number(values.poison)
  const isRight =
    Object.values(numbers).every((each) => Number.isInteger(each) && each > 0) &&
    faults.length === names.length &&
    (mutant !== null || values.mutant === undefined) &&
    Number.isInteger(kinds) &&
    ['on', 'off'].includes(values.breaker)
  if (!isRight) {
    console.error(help)
    return 2
  }
  return {
    ...numbers,
    faults,
    mutant,
    hasBreaker: values.breaker === 'on',
    poison: poisons.slice(0, kinds).map(({ kind }) => kind),
  }
}

function commandOf(wanted: Wanted, seed: number): string {
  const more = [
    `--seed ${seed} --seconds ${wanted.seconds}`,
    wanted.faults.length === faultNames.length ? '' : `--faults ${wanted.faults.join(',') || 'none'}`,
    wanted.poison.length === poisons.length ? '' : `--poison ${wanted.poison.length || 'none'}`,
    wanted.hasBreaker ? '' : '--breaker off',
    wanted.mutant === null ? '' : `--mutant "${wanted.mutant}"`,
  ]
  return `npm run chaos:toolkit -- ${more.filter((each) => each !== '').join(' ')}`
}

// At once: a connection that was made half-open may still be waited for by somebody.
process.exit(await main())
