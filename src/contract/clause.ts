/** One promise of a port, as data that every test runner can walk. */
export interface Clause<Driver> {
  /** The promise, as a sentence in the present. */
  readonly says: string
  /** Resolves when a driver, opened for this clause alone, keeps it; rejects with what it did instead. */
  holds(driver: Driver): Promise<void>
}

/** Fails unless both are the same, by their JSON. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [has, wants] = [text(actual), text(expected)]
  if (has !== wants) throw new Error(`${what}: expected ${wants}, got ${has}`)
}

/** Fails unless it is true. */
export function holds(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what)
}

/** Fails unless the promise rejects with an error of this code. */
export async function rejects(promise: Promise<unknown>, code: string): Promise<void> {
  const outcome = await promise.then(
    () => 'nothing was thrown',
    (error: unknown) =>
      typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error),
  )
  same(outcome, code, 'the error')
}

/** Tells whether a promise has settled by the end of `moment`. */
export async function settlesWithin(moment: Promise<void>, promise: Promise<unknown>): Promise<boolean> {
  const settled = promise.then(
    () => true,
    () => true,
  )
  return Promise.race([settled, moment.then(() => false)])
}

function text(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner)) ?? 'undefined'
}
