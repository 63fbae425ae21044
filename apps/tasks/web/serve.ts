import { serve as listen } from '@hono/node-server'
import type { Api } from './api.ts'

export interface Served {
  readonly url: string
  close(): Promise<void>
}

/** Serves on the loopback address. Rejects when the port is taken. */
export function serve(app: Api, port: number): Promise<Served> {
  return new Promise((resolve, reject) => {
    const server = listen({ fetch: app.fetch, hostname: '127.0.0.1', port }, (address) => {
      const close = (): Promise<void> =>
        new Promise((done) => {
          server.close(() => done())
          if ('closeAllConnections' in server) server.closeAllConnections()
        })
      resolve({ url: `http://127.0.0.1:${address.port}/`, close })
    })
    server.once('error', reject)
  })
}
