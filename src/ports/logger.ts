export type LogFields = Readonly<Record<string, string | number | boolean | bigint | null | undefined>>

/** Structured logging. Fields never hold a payload, a key or a secret. */
export interface Logger {
  debug(text: string, fields?: LogFields): void
  info(text: string, fields?: LogFields): void
  warn(text: string, fields?: LogFields): void
  error(text: string, fields?: LogFields): void
}

/** A logger that adds the same fields to every line. */
export function withFields(logger: Logger, fixed: LogFields): Logger {
  return {
    debug: (text, fields) => logger.debug(text, { ...fixed, ...fields }),
    info: (text, fields) => logger.info(text, { ...fixed, ...fields }),
    warn: (text, fields) => logger.warn(text, { ...fixed, ...fields }),
    error: (text, fields) => logger.error(text, { ...fixed, ...fields }),
  }
}
