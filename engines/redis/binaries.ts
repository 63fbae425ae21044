import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

export interface RedisBinaries {
  /** For people: what it is. */
  readonly name: string
  /** The file of redis-server. */
  readonly server: string
  readonly major: number
}

/** How to get a Redis that the tests can start, for people. */
export const howToGetRedis =
  'apt-get install redis-server on Debian and Ubuntu, brew install redis on macOS; version 7 or later'

const folders = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin']

/** Finds a redis-server of version 7 or later, on the PATH first; null when there is none. */
export function findRedis(path = process.env['PATH'] ?? ''): RedisBinaries | null {
  for (const folder of [...path.split(delimiter), ...folders]) {
    const server = join(folder, 'redis-server')
    const major = existsSync(server) ? majorOf(server) : null
    if (major !== null && major >= 7) return { name: `Redis ${major}`, server, major }
  }
  return null
}

function majorOf(server: string): number | null {
  try {
    const said = execFileSync(server, ['--version'], { encoding: 'utf8', timeout: 5_000 })
    return Number(/v=(\d+)/.exec(said)?.[1] ?? 0)
  } catch {
    return null
  }
}
