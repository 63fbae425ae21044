/** What is known about a reader's way through a log whose positions are drawn before they are committed. */
export interface Prefix {
  /** Everything at or below it is final: committed and seen, or dead. Always a committed position, or the start. */
  readonly safe: bigint
  /** Missing positions up to here are dead. */
  readonly deadUpTo: bigint
  /** Set while blocked at a gap: the transactions that must end before positions below `committed` are decided. */
  readonly fence: { readonly committed: bigint; readonly writers: ReadonlySet<string> } | null
}

export const emptyPrefix: Prefix = { safe: 0n, deadUpTo: 0n, fence: null }

/**
 * Moves `safe` over the committed positions given (ascending, from a read that began after `prefix.safe`), up to the
 * first gap that may still fill.
 *
 * Dead positions are passed only on the way to a committed one: a position that was drawn and rolled back may be drawn
 * again after a crash, because nothing forced the sequence to disk; one below a committed row can not.
 */
export function advancePrefix(prefix: Prefix, positions: readonly bigint[]): Prefix {
  let safe = prefix.safe
  for (const position of positions) {
    if (position <= safe) continue
    if (position !== safe + 1n && position - 1n > prefix.deadUpTo) break
    safe = position
  }
  return safe === prefix.safe ? prefix : { ...prefix, safe }
}

/** Tells whether the committed positions go on behind a gap at which `prefix` stopped. */
export function isBlocked(prefix: Prefix, positions: readonly bigint[]): boolean {
  const last = positions.at(-1)
  return last !== undefined && last > prefix.safe
}

/**
 * Notes who may still fill the gaps below a committed position. It must have been read before `writers`: what is missing
 * below it was drawn before it, by a transaction that is among them or has ended.
 *
 * Not below the highest position drawn: of a server that crashed those above the last committed one may be drawn again,
 * and a reader that outlived it would take them for dead.
 */
export function raiseFence(prefix: Prefix, committed: bigint, writers: readonly string[]): Prefix {
  return settleFence({ ...prefix, fence: { committed, writers: new Set(writers) } }, writers)
}

/** Drops the writers that are gone; with the last one, everything missing below the fence's position is dead. */
export function settleFence(prefix: Prefix, writersNow: readonly string[]): Prefix {
  if (prefix.fence === null) return prefix
  const { committed, writers } = prefix.fence
  const left = writersNow.filter((writer) => writer === '*' || writers.has(writer))
  if (left.length > 0) return { ...prefix, fence: { committed, writers: new Set(left) } }
  return { ...prefix, deadUpTo: committed > prefix.deadUpTo ? committed : prefix.deadUpTo, fence: null }
}
