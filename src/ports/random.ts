/** The only chance that the pure folders see. */
export interface Random {
  /** Unpredictable bytes, for ids. */
  bytes(count: number): Uint8Array
  /** A number in [0, 1), for jitter. */
  fraction(): number
}
