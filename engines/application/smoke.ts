import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Step {
  readonly says: string
  /** Resolves with what a person wants to know of it; rejects when it does not hold. */
  readonly holds: () => Promise<string>
}

export interface Journey {
  readonly steps: readonly Step[]
  end(): Promise<void>
}

/** Goes through the steps of a journey in a folder of its own, prints [OK] or [FAIL] for each, and returns the exit code. */
export async function smoke(name: string, journeyIn: (home: string) => Journey): Promise<number> {
  const home = mkdtempSync(join(tmpdir(), `estafet-${name}-`))
  const journey = journeyIn(home)
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
}
