// Goes through the life of an order and prints [OK] or [FAIL] for each; exit code 0 only if all are OK. On a new
// embedded PostgreSQL, unless POSTGRES_URL is set.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { logger } from 'estafet'
import { steps } from './smoke/steps.ts'
import { program } from './system/program.ts'

await program(async (settings) => {
  const home = mkdtempSync(join(tmpdir(), 'estafet-orders-'))
  const journey = steps({ ...settings, ORDERS_HOME: home }, logger({ service: 'orders', level: 'error' }))
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
