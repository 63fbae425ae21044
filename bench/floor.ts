import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { systemPostgres } from '../engines/postgres/binaries.ts'

/** Finds pgbench, the floor's own client, or null. */
export function findPgbench(): string | null {
  const found = systemPostgres()
    .map(({ bin }) => join(bin, 'pgbench'))
    .filter(existsSync)
  return found.at(-1) ?? null
}

/** Runs a script of pgbench for some seconds and returns its transactions per second. */
export async function pgbench(
  program: string,
  url: string,
  script: string,
  clients: number,
  seconds: number,
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'estafet-bench-'))
  try {
    const file = join(folder, 'floor.sql')
    writeFileSync(file, script)
    const words = ['-n', '-M', 'prepared', '-c', String(clients), '-j', '1', '-T', String(seconds), '-f', file, url]
    const { stdout } = await promisify(execFile)(program, words)
    return Number(/tps = ([\d.]+)/.exec(stdout)?.[1] ?? 0)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export function versionOf(program: string): string {
  return execFileSync(program, ['--version'], { encoding: 'utf8' }).trim()
}
