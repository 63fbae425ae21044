import { type HttpBindings, serve as listen } from '@hono/node-server'
import { UnusableSettings } from './settings.ts'

export interface Served {
  readonly url: string
  close(): Promise<void>
}

/** Serves on the loopback address. Rejects with UnusableSettings when the port is taken or not ours to take. */
export function serve(
  app: { readonly fetch: (request: Request, on: HttpBindings) => Response | Promise<Response> },
  port: number,
): Promise<Served> {
  return new Promise((resolve, reject) => {
    const server = listen(
      { fetch: (request, on) => app.fetch(request, on as HttpBindings), hostname: '127.0.0.1', port },
      (address) => {
        const close = (): Promise<void> =>
          new Promise((done) => {
            server.close(() => done())
            // Those who watch a live view would never leave.
            if ('closeAllConnections' in server) server.closeAllConnections()
          })
        resolve({ url: `http://127.0.0.1:${address.port}/`, close })
      },
    )
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const isTaken = cause.code === 'EADDRINUSE' || cause.code === 'EACCES'
      reject(isTaken ? new UnusableSettings(`PORT: ${port} cannot be had (${cause.code}).`, { cause }) : cause)
    })
  })
}
