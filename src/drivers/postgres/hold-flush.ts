import type { Sql } from './sql.ts'

interface Corkable {
  cork(): void
  uncork(): void
}

/**
 * Holds back what a client writes to the network until the function returned is called; more calls do nothing. With a
 * client that pipelines, a write for each statement costs more than the statement. Other clients are left alone.
 */
export function holdFlush(client: Sql): () => void {
  const stream = streamOf(client)
  stream?.cork()
  let isHeld = true
  return () => {
    if (isHeld) stream?.uncork()
    isHeld = false
  }
}

/** The socket of a `pg` client, which its types do not show. */
function streamOf(client: Sql): Corkable | null {
  if (!('connection' in client) || typeof client.connection !== 'object' || client.connection === null) return null
  const stream = 'stream' in client.connection ? client.connection.stream : null
  return isCorkable(stream) ? stream : null
}

function isCorkable(stream: unknown): stream is Corkable {
  if (typeof stream !== 'object' || stream === null || !('cork' in stream) || !('uncork' in stream)) return false
  return typeof stream.cork === 'function' && typeof stream.uncork === 'function'
}
