import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Sql } from 'estafet/postgres'

/** Applies a service's own numbered SQL files, each once. `client` is one connection of the database's owner. */
export async function migrateService(client: Sql, service: string): Promise<void> {
  const folder = fileURLToPath(new URL(`../${service}/migrations/`, import.meta.url))
  await client.query('CREATE TABLE IF NOT EXISTS applied_migration (name text PRIMARY KEY)')
  for (const file of readdirSync(folder).sort()) {
    await client.query('BEGIN')
    const { rowCount } = await client.query('INSERT INTO applied_migration VALUES ($1) ON CONFLICT DO NOTHING', [file])
    if (rowCount === 1) await client.query(readFileSync(`${folder}${file}`, 'utf8'))
    await client.query('COMMIT')
  }
}
