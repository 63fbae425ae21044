import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { splitLine } from '../unit/cli/split-line.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly input?: string
  /** Sends Ctrl-C once this was written to standard output. */
  readonly interruptAfter?: RegExp
}

/** Runs a command line in a process of its own, with nothing of our environment but the path. */
export function estafet(
  line: string,
  { env = {}, cwd, input = '', interruptAfter }: Surroundings = {},
): Promise<Ended> {
  const [, ...words] = splitLine(line)
  const child = spawn(process.execPath, ['--conditions=estafet-source', main, ...words], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    ...(cwd === undefined ? {} : { cwd }),
  })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const written = { out: '', err: '' }
  let isInterrupted = false
  child.stdout.on('data', (part: Buffer) => {
    written.out += part.toString()
    if (isInterrupted || interruptAfter?.test(written.out) !== true) return
    isInterrupted = true
    child.kill('SIGINT')
  })
  child.stderr.on('data', (part: Buffer) => {
    written.err += part.toString()
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, ...written }))
  })
}

/** The envelope of a line that was run with --json. */
export function envelopeOf({ out }: Ended): {
  command: string
  status: string
  data: unknown
  diagnostics: { code: string; message: string; hint: string | null }[]
} {
  return JSON.parse(out)
}
