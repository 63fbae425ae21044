/** A line of the bookings’ file that cannot be used. */
export interface BadLine {
  /** Counted from 1, the header being line 1. */
  readonly line: number
  readonly reason: string
}
