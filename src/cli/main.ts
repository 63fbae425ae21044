#!/usr/bin/env node
import { styleText } from 'node:util'
import { commands } from './commands.ts'
import { run } from './run.ts'
import { terminalOf } from './terminal.ts'

const interrupted = new AbortController()
process.on('SIGINT', () => {
  // The first one ends in good order, the second one at once.
  if (interrupted.signal.aborted) process.exit(130)
  interrupted.abort()
})
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever reads has seen enough: `estafet tail -f | head`.
  process.exit(error.code === 'EPIPE' ? 0 : 3)
})

process.exitCode = await run(process.argv.slice(2), {
  commands,
  terminal: terminalOf(process, styleText),
  env: process.env,
  cwd: process.cwd(),
  signal: interrupted.signal,
  async version() {
    const { readFileSync } = await import('node:fs')
    const file: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    return typeof file === 'object' && file !== null && 'version' in file ? String(file.version) : 'unknown'
  },
})
