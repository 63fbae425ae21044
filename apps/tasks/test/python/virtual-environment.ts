import { execFileSync } from 'node:child_process'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const version = '3.0.12'

/** The python that has kafka-python; made at the first time and kept in the clone. Null where that cannot be done. */
export function pythonWithKafka(): string | null {
  const folder = fileURLToPath(new URL(`../../../../.estafet/python/kafka-python-${version}`, import.meta.url))
  const python = join(folder, 'bin/python')
  if (existsSync(python)) return python
  // Made beside it, so that one that was not finished is never taken for it; the interpreter does not mind the move.
  const making = `${folder}.${process.pid}`
  try {
    execFileSync('python3', ['-m', 'venv', making], { stdio: 'ignore', timeout: 300_000 })
    const words = ['-m', 'pip', 'install', '--quiet', '--no-deps', `kafka-python==${version}`]
    execFileSync(join(making, 'bin/python'), words, { stdio: 'ignore', timeout: 300_000 })
    renameSync(making, folder)
    return python
  } catch {
    rmSync(making, { recursive: true, force: true })
    return existsSync(python) ? python : null
  }
}

/** For people. */
export const howToGetPython = `python3 with venv, and kafka-python ${version} from its registry`
