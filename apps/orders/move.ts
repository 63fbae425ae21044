// Moves the monolith into the services' databases, and compares. Exit code 0 if everything is moved or said why not, else 1.
//   npm run move -w apps/orders                       what is not moved yet, then the comparison
//   npm run move -w apps/orders -- --verify           the comparison alone
import { parseArgs } from 'node:util'
import { logger as makeLogger } from 'estafet'
import { program } from '../../engines/application/program.ts'
import { UnusableSettings } from '../../engines/application/settings.ts'
import { addRows } from './monolith/more-rows.ts'
import { compare, move } from './monolith/move/move.ts'
import { progress as makeProgress } from './monolith/move/progress.ts'
import { isComplete } from './monolith/move/verify.ts'
import { reportText } from './monolith/report.ts'
import { openMove } from './monolith/system.ts'
import { openServer } from './system/open-server.ts'
import { settingsOf } from './system/settings.ts'

await program(async () => {
  const settings = settingsOf(process.env)
  const options = optionsOf(process.argv.slice(2))
  const logger = makeLogger({ service: 'move', level: 'error' })
  const progress = makeProgress()
  const server = await openServer(settings)
  try {
    const system = await openMove(server, logger)
    try {
      if (options.more > 0) await addRows(system.source, options.more)
      const parts = { ...system, batch: options.batch, progress, reach: () => {} }
      const seen = options.isVerifyOnly
        ? await compare(parts).then((found) => ({ ...found, isComplete: isComplete(found) }))
        : await move({ ...parts, followers: await system.follow() })
      progress.end()
      process.stdout.write(options.isJson ? `${JSON.stringify(seen, null, 2)}\n` : reportText(seen))
      return seen.isComplete && (!options.isStrict || seen.held.length === 0) ? 0 : 1
    } finally {
      await system.stop()
    }
  } finally {
    await server.stop()
  }
})

function optionsOf(words: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        verify: { type: 'boolean', default: false },
        strict: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        batch: { type: 'string', default: '500' },
        more: { type: 'string', default: '0' },
      },
    })
    const [batch, more] = [wholeOf('batch', values.batch, 1, 5_000), wholeOf('more', values.more, 0, 1_000_000)]
    return { batch, more, isVerifyOnly: values.verify, isStrict: values.strict, isJson: values.json }
  } catch (error) {
    if (error instanceof UnusableSettings) throw error
    const usage = 'Options: --verify, --strict (rows held back count, too), --json, --batch 500, --more 0 (sample rows)'
    throw new UnusableSettings(`${error instanceof Error ? error.message : 'unknown'}\n${usage}`, { cause: error })
  }
}

function wholeOf(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new UnusableSettings(`--${name} must be a whole number from ${least} to ${most}`)
}
