import type { StoredMessage } from '../message/message.ts'
import type { LogState } from './log.ts'
import type { Page, PageRequest } from './page.ts'

/** A service's own log, as people look at it. */
export interface LogSearch {
  /** Which log it is and how far it goes. Throws what `Log.inspect` does. */
  head(source: string): Promise<LogHead>
  /** Committed messages that everything given fits, by position. `after` is a position. */
  messages(source: string, filter: LogFilter, page: PageRequest): Promise<Page<StoredMessage>>
  /** Looks through the log, from `after`, at most `limit` positions: what it found, and where to go on. */
  verify(page: PageRequest): Promise<LogVerdict>
}

export interface LogHead extends LogState {
  /** When the first and the last message were taken; null while there is none. */
  readonly firstAt: string | null
  readonly lastAt: string | null
  /** Transactions that may still commit messages. */
  readonly writers: number
}

export interface LogFilter {
  readonly type: string | null
  readonly key: string | null
  readonly correlationId: string | null
}

export interface LogVerdict {
  readonly messages: number
  /** Positions without a message: rolled back, or still in flight near the end. They are no fault. */
  readonly missing: number
  readonly firstPosition: bigint | null
  readonly lastPosition: bigint | null
  /** Messages whose slot is not the one of their key: their order is not kept. */
  readonly wrongSlots: number
  /** Ids that more than one of these messages has. */
  readonly repeatedIds: number
  readonly next: bigint | null
}
