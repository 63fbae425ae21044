import type { Terminal } from '../../../src/cli/terminal.ts'

export interface MemoryTerminal {
  readonly terminal: Terminal
  /** Everything written so far. */
  readonly written: { out: string; err: string }
}

/** A terminal whose person answers as given; without answers nobody is there to ask. */
export function memoryTerminal(answers: readonly string[] | null = null, input = ''): MemoryTerminal {
  const written = { out: '', err: '' }
  const left = [...(answers ?? [])]
  return {
    written,
    terminal: {
      width: null,
      isInteractive: answers !== null,
      out: (text) => {
        written.out += text
      },
      err: (text) => {
        written.err += text
      },
      progress: () => {},
      ask: (question) => {
        written.err += question
        return Promise.resolve(left.shift() ?? null)
      },
      input: () => Promise.resolve(input),
      paint: (_, text) => text,
    },
  }
}
