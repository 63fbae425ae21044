/** What a country's documents add up to. */
export interface Figures {
  readonly invoices: number
  readonly lines: number
  /** Exact, with four places. */
  readonly total: string
}

export type ByCountry = ReadonlyMap<string, Figures>
