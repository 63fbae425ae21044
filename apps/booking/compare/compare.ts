import type { Logger } from 'estafet'
import pg from 'pg'
import { serve } from '../../../engines/application/serve.ts'
import type { System } from '../system/system.ts'
import { compareApp } from './app.ts'
import { pairsOn } from './pairs.ts'
import { soldOut } from './scenarios.ts'
import { servicesOf } from './services.ts'

export interface Comparing {
  readonly url: string
  close(): Promise<void>
}

/** Serves the page on which both forms are compared. Rejects with UnusableSettings when the port cannot be had. */
export async function compare(
  system: System,
  { port, engines, logger }: { readonly port: number; readonly engines: string; readonly logger: Logger },
): Promise<Comparing> {
  await sellOut(system.adminUrl('hotel'))
  return serve(compareApp(pairsOn(servicesOf(system)), engines, logger), port)
}

/** Somebody must find no room. */
async function sellOut(hotel: string): Promise<void> {
  const client = new pg.Client({ connectionString: hotel })
  await client.connect()
  try {
    await client.query('UPDATE hotel SET capacity = 0 WHERE place = $1', [soldOut])
  } finally {
    await client.end()
  }
}
