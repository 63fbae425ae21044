import type { LogFields, Logger } from '../ports/logger.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface LoggerOptions {
  readonly service: string
  /** Left out: `pretty` on a terminal, else `json`. */
  readonly format?: 'json' | 'pretty'
  /** The least that is written. (Default: info.) */
  readonly level?: LogLevel
  /** (Default: standard error.) */
  readonly write?: (line: string) => void
}

const rank: Readonly<Record<LogLevel, number>> = { debug: 10, info: 20, warn: 30, error: 40 }
const colour: Readonly<Record<LogLevel, string>> = { debug: '90', info: '36', warn: '33', error: '31' }

/** A logger of lines: JSON for machines, or aligned text for people. */
export function logger(options: LoggerOptions): Logger {
  const format = options.format ?? (process.stderr.isTTY ? 'pretty' : 'json')
  const write = options.write ?? ((line: string) => void process.stderr.write(`${line}\n`))
  const least = rank[options.level ?? 'info']
  const at =
    (level: LogLevel) =>
    (text: string, fields: LogFields = {}) => {
      if (rank[level] < least) return
      const time = new Date().toISOString()
      write(
        format === 'json'
          ? json(time, level, options.service, text, fields)
          : pretty(time, level, options.service, text, fields),
      )
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function json(time: string, level: LogLevel, service: string, text: string, fields: LogFields): string {
  return JSON.stringify({ time, level, service, event: text, ...fields }, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
}

function pretty(time: string, level: LogLevel, service: string, text: string, fields: LogFields): string {
  const shown = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)
  const rest = shown.map(([name, value]) => `${name}=${printable(String(value))}`).join(' ')
  return `${time.slice(11, 23)} \u001b[${colour[level]}m${level.padEnd(5)}\u001b[0m ${service.padEnd(14)} ${text}${rest === '' ? '' : `  \u001b[2m${rest}\u001b[0m`}`
}

/** Control characters could move a terminal's cursor or forge a line. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '?')
}
