import type { Page, PageRequest } from './page.ts'

/** What people did to a service, kept for ever: services can only add. */
export interface Audit<Tx> {
  /**
   * Adds a row as part of `tx`, for what has no decision of its own, such as publishing by hand. Unless the outcome is
   * `done`, nothing was added and `tx` should be rolled back; `result` is then that of the request that came before.
   */
  record(tx: Tx, entry: NewAuditEntry, request: RecordedRequest): Promise<Recorded>
  /** Of a subscription, and of the read models in its database. Newest first; a page begins below its `after`. */
  list(subscription: string, page: PageRequest): Promise<Page<AuditEntry>>
}

export interface RecordedRequest {
  readonly requestId: string
  /** What it came to, for who asks again. */
  readonly result: string | null
}

export interface Recorded {
  readonly outcome: 'done' | 'repeated' | 'reused'
  readonly result: string | null
}

export interface NewAuditEntry {
  readonly who: string
  readonly action: string
  readonly subscription: string
  /** JSON text. */
  readonly selection: string | null
  readonly count: number
  readonly reason: string | null
}

export interface AuditEntry extends NewAuditEntry {
  readonly number: bigint
  readonly at: string
  /** JSON text: what belongs to this action alone. */
  readonly details: string | null
}
