import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { migrate } from 'estafet/sqlite'

/** The SQLite file of analytics in the folder of the system. */
export function analyticsFile(home: string): string {
  return join(home, 'analytics.sqlite')
}

/** Makes the file and brings its schema up to date. May be repeated; resolves to what was applied. */
export async function migrateAnalytics(home: string): Promise<readonly string[]> {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const path = analyticsFile(home)
  const { applied } = await migrate(path)
  const database = new DatabaseSync(path)
  try {
    return [...applied, ...migrateOwn(database)].map((name) => `analytics.sqlite: ${name}`)
  } finally {
    database.close()
  }
}

/** Applies the service's own numbered SQL files, each once, all of them in one transaction. */
function migrateOwn(database: DatabaseSync): readonly string[] {
  const folder = fileURLToPath(new URL('migrations/', import.meta.url))
  const applied: string[] = []
  database.exec('BEGIN IMMEDIATE')
  try {
    database.exec('CREATE TABLE IF NOT EXISTS applied_migration (name TEXT PRIMARY KEY) STRICT')
    for (const file of readdirSync(folder).sort()) {
      const name = file.replace(/\.sql$/, '')
      const noted = database.prepare('INSERT INTO applied_migration VALUES (?) ON CONFLICT DO NOTHING').run(name)
      if (Number(noted.changes) === 0) continue
      database.exec(readFileSync(`${folder}${file}`, 'utf8'))
      applied.push(name)
    }
    database.exec('COMMIT')
    return applied
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
