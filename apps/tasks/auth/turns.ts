/** There are too many that wait already; nothing was done. */
export class NoTurn extends Error {
  override readonly name = 'NoTurn'
}

/** Does work when it is its turn. Rejects with NoTurn when too many wait, else as the work does. */
export type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>

/** `atOnce` at the same time, and `waiting` more that wait for them, first come, first served. */
export function turns({ atOnce, waiting }: { readonly atOnce: number; readonly waiting: number }): InTurn {
  const queue: (() => void)[] = []
  let working = 0
  return async (work) => {
    if (working < atOnce) working += 1
    else if (queue.length >= waiting) throw new NoTurn('too many wait')
    else await new Promise<void>((resolve) => queue.push(resolve))
    try {
      return await work()
    } finally {
      const next = queue.shift()
      // The turn goes over to the next as it is, so that nobody comes in between.
      if (next === undefined) working -= 1
      else next()
    }
  }
}
