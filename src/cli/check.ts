/** One finding of `doctor`. */
export interface Check {
  /** What was looked at. */
  readonly name: string
  /** The service or database that it was looked at in; null: this machine. */
  readonly of: string | null
  readonly state: 'ok' | 'warn' | 'fail'
  readonly says: string
  /** What to do, exactly. Null where there is nothing. */
  readonly fix: string | null
}

/** Makes the checks of one thing. */
export function checksOf(of: string | null): {
  ok(name: string, says: string): Check
  warn(name: string, says: string, fix: string): Check
  fail(name: string, says: string, fix: string): Check
} {
  return {
    ok: (name, says) => ({ name, of, state: 'ok', says, fix: null }),
    warn: (name, says, fix) => ({ name, of, state: 'warn', says, fix }),
    fail: (name, says, fix) => ({ name, of, state: 'fail', says, fix }),
  }
}
