import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Sql } from 'estafet/postgres'

/** A service's own SQL. */
export interface SqlFile {
  readonly name: string
  readonly text: string
}

/** The numbered SQL files of a folder, in their order; none when there is no folder. */
export function sqlFilesIn(folder: URL): readonly SqlFile[] {
  const path = fileURLToPath(folder)
  if (!existsSync(path)) return []
  return readdirSync(path)
    .sort()
    .map((file) => ({ name: file.replace(/\.sql$/, ''), text: readFileSync(new URL(file, folder), 'utf8') }))
}

/** Applies each file once, in a transaction of its own. Returns the names of those that it applied. */
export async function applyOwn(client: Sql, files: readonly SqlFile[]): Promise<readonly string[]> {
  const applied: string[] = []
  await client.query('CREATE TABLE IF NOT EXISTS applied_migration (name text PRIMARY KEY)')
  for (const { name, text } of files) {
    await client.query('BEGIN')
    const noted = await client.query('INSERT INTO applied_migration VALUES ($1) ON CONFLICT DO NOTHING', [name])
    if (noted.rowCount === 1) {
      await client.query(text)
      applied.push(name)
    }
    await client.query('COMMIT')
  }
  return applied
}
