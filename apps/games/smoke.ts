// Goes through every step of an event's life and prints [OK] or [FAIL] for each; exit code 0 only if all are OK. On a new
// embedded PostgreSQL, unless POSTGRES_URL is set, and on the broker that `npm start` would choose.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { logger } from 'estafet'
import { steps } from './smoke/steps.ts'
import { program } from './system/program.ts'

await program(async (settings) => {
  const home = mkdtempSync(join(tmpdir(), 'estafet-games-'))
  const journey = steps({ ...settings, GAMES_HOME: home }, logger({ service: 'games', level: 'error' }))
  let failed = 0
  try {
    for (const { says, holds } of journey.steps) {
      try {
        // One step builds on the one before.
        if (failed > 0) throw new Error('not tried, because of the failure before')
        console.log(`[OK]   ${says}: ${await holds()}`)
      } catch (error) {
        failed += 1
        const reason = error instanceof Error ? error.message : 'unknown'
        console.log(`[FAIL] ${says}: ${reason.replaceAll(/\s+/g, ' ')}`)
      }
    }
  } finally {
    await journey.end()
    rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
  return failed === 0 ? 0 : 1
})
