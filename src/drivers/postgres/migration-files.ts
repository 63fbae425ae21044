import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** One numbered file of SQL. */
export interface Migration {
  readonly number: number
  readonly name: string
  readonly text: string
  readonly checksum: string
}

const folder = new URL('./migrations/', import.meta.url)

/** The migrations of this version, in order. */
export function migrations(): readonly Migration[] {
  const files = readdirSync(fileURLToPath(folder)).filter((file) => /^\d{4}-[a-z-]+\.sql$/.test(file))
  return files.sort().map((file) => {
    const text = readFileSync(new URL(file, folder), 'utf8')
    const checksum = createHash('sha256').update(text).digest('hex')
    return { number: Number(file.slice(0, 4)), name: file.slice(0, -'.sql'.length), text, checksum }
  })
}
