import { serve as listen } from '@hono/node-server'
import type { OpenAPIHono } from '@hono/zod-openapi'

export interface Served {
  readonly url: string
  close(): Promise<void>
}

/** Serves on the loopback address. Rejects when the port is taken. */
export function serve(app: OpenAPIHono, port: number): Promise<Served> {
  return new Promise((resolve, reject) => {
    const server = listen({ fetch: app.fetch, hostname: '127.0.0.1', port }, (address) => {
      const close = (): Promise<void> =>
        new Promise((done) => {
          server.close(() => done())
          // Those who watch the live view would never leave.
          if ('closeAllConnections' in server) server.closeAllConnections()
        })
      resolve({ url: `http://127.0.0.1:${address.port}/`, close })
    })
    server.once('error', reject)
  })
}
