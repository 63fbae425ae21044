import type { ReadStream, WriteStream } from 'node:tty'

/** The ways in and out of the process, as commands see them. */
export interface Terminal {
  /** Cells in a line of standard output; null when it is not a terminal: nothing is cut then. */
  readonly width: number | null
  /** True when a person can be asked: input and error output are a terminal. */
  readonly isInteractive: boolean
  /** Writes data. */
  out(text: string): void
  /** Writes what is said to people beside the data. */
  err(text: string): void
  /** Puts one line at the end of what is said to people, in the place of the last such line; nothing where nobody looks. */
  progress(line: string): void
  /** Asks a person; null when they end the input, or the signal ends the waiting. */
  ask(question: string, signal: AbortSignal): Promise<string | null>
  /** All of standard input. */
  input(): Promise<string>
  /** Colour on standard output, dropped when it is no terminal and by NO_COLOR. */
  paint(colour: 'green' | 'yellow' | 'red' | 'bold' | 'dim', text: string): string
}

type Input = NodeJS.ReadableStream & Partial<Pick<ReadStream, 'isTTY'>>
type Output = NodeJS.WritableStream & Partial<Pick<WriteStream, 'isTTY' | 'columns'>>

export interface Streams {
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
}

export function terminalOf(
  { stdin, stdout, stderr }: Streams,
  styleText: (colour: 'green' | 'yellow' | 'red' | 'bold' | 'dim', text: string) => string,
): Terminal {
  return {
    get width() {
      return stdout.isTTY === true ? (stdout.columns ?? 80) : null
    },
    isInteractive: stdin.isTTY === true && stderr.isTTY === true,
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    progress(line) {
      if (stderr.isTTY === true) stderr.write(`\r\u001b[2K${line.slice(0, (stderr.columns ?? 80) - 1)}`)
    },
    async ask(question, signal) {
      const { createInterface } = await import('node:readline')
      const lines = createInterface({ input: stdin, output: stderr })
      try {
        return await new Promise<string | null>((resolve) => {
          lines.once('close', () => resolve(null))
          lines.once('SIGINT', () => resolve(null))
          signal.addEventListener('abort', () => resolve(null), { once: true })
          lines.question(question, resolve)
        })
      } finally {
        lines.close()
      }
    },
    async input() {
      const parts: Buffer[] = []
      for await (const part of stdin) parts.push(Buffer.from(part))
      return Buffer.concat(parts).toString('utf8')
    },
    paint: styleText,
  }
}
