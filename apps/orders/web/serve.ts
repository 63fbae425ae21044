import { serve as listen } from '@hono/node-server'
import { UnusableSettings } from '../system/settings.ts'
import type { Api } from './api.ts'

export interface Served {
  readonly url: string
  close(): Promise<void>
}

/** Serves on the loopback address. Rejects with UnusableSettings when the port is taken or not ours to take. */
export function serve(app: Pick<Api, 'fetch'>, port: number): Promise<Served> {
  return new Promise((resolve, reject) => {
    const server = listen({ fetch: app.fetch, hostname: '127.0.0.1', port }, (address) => {
      const close = (): Promise<void> =>
        new Promise((done) => {
          server.close(() => done())
          if ('closeAllConnections' in server) server.closeAllConnections()
        })
      resolve({ url: `http://127.0.0.1:${address.port}/`, close })
    })
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const isTaken = cause.code === 'EADDRINUSE' || cause.code === 'EACCES'
      reject(isTaken ? new UnusableSettings(`PORT: ${port} cannot be had (${cause.code}).`, { cause }) : cause)
    })
  })
}
