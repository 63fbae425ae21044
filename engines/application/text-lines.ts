import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'

/** A file that cannot be used; the message says which and what to do. */
export class UnusableFile extends Error {}

/** The lines of a text file; a name that ends in `.gz` is unpacked. Throws UnusableFile. */
export async function* textLines(file: string): AsyncGenerator<string> {
  const raw = createReadStream(file)
  // pipeline, and not pipe: an error of the file ends the unpacking, too, and so reaches the reader.
  const input = file.endsWith('.gz') ? pipeline(raw, createGunzip(), () => {}) : raw
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  } catch (error) {
    throw new UnusableFile(`${file} ${reason(error)}`, { cause: error })
  }
}

function reason(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown error'
  if (code === 'ENOENT') return 'does not exist: give the path of a .csv or .csv.gz file.'
  if (code === 'EACCES') return 'may not be read: give yourself read access to it.'
  if (code === 'EISDIR') return 'is a folder: give the path of a .csv or .csv.gz file.'
  if (code.startsWith('Z_')) return `is no complete gzip file (${code}): fetch it again, or give the unpacked .csv.`
  return `cannot be read (${code}).`
}
