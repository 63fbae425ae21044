import { connect, createServer, type Socket } from 'node:net'

/** What a proxied connection suffers. */
export type ProxyFault =
  | { readonly kind: 'off' }
  /** Everything comes later, in both directions, in order. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** Both ends see RST: existing connections now, new ones as they come. */
  | { readonly kind: 'reset' }
  /**
   * The next request that holds `request` (left out: any) reaches the server, its answer does not reach the client, and
   * then the connection is reset: what a COMMIT did is unknown to who sent it.
   */
  | { readonly kind: 'swallow'; readonly request?: string }
  /** The next request that holds `request` is cut off there, and the connection reset: the server hears what came before it. */
  | { readonly kind: 'cut'; readonly request: string }
  /** Nothing moves and nothing closes, also not when one of the ends goes away. */
  | { readonly kind: 'half-open' }

export interface ProxiedConnection {
  set(fault: ProxyFault): void
}

export interface FaultProxy {
  readonly port: number
  /** For all connections, those to come included, until it is set anew. */
  set(fault: ProxyFault): void
  /** Those open now, the oldest first. */
  connections(): readonly ProxiedConnection[]
  /** How many connections were ended by an answer that was swallowed. */
  swallowed(): number
  /** Ends every connection and stops listening. */
  close(): Promise<void>
}

/** Stands on the loopback address in front of a server on `port`, and fails as it is told. */
export async function faultProxy(port: number): Promise<FaultProxy> {
  const open = new Set<Connection>()
  let current: ProxyFault = { kind: 'off' }
  let swallowed = 0
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const connection = proxied(client, port, {
      swallowed: () => {
        swallowed += 1
      },
      closed: () => open.delete(connection),
    })
    open.add(connection)
    connection.set(current)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    set(fault) {
      current = fault
      for (const connection of [...open]) connection.set(fault)
    },
    connections: () => [...open],
    swallowed: () => swallowed,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const connection of [...open]) connection.end()
      return closed
    },
  }
}

interface Connection extends ProxiedConnection {
  end(): void
}

/** How long the server must have been silent before a swallowed answer counts as whole. */
const quietMs = 30

function proxied(
  client: Socket,
  port: number,
  tell: { readonly swallowed: () => void; readonly closed: () => void },
): Connection {
  const server = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  client.setNoDelay(true)
  let fault: ProxyFault = { kind: 'off' }
  let isSwallowing = false
  let isCut = false
  let isEnded = false
  let quiet: NodeJS.Timeout | undefined

  function end(): void {
    if (isEnded) return
    isEnded = true
    clearTimeout(quiet)
    // RST, because a FIN would be the polite end that a lost connection does not have.
    if (client.readyState !== 'closed') client.resetAndDestroy()
    if (server.connecting) server.destroy()
    else if (server.readyState !== 'closed') server.resetAndDestroy()
    tell.closed()
  }

  function endWhenQuiet(): void {
    clearTimeout(quiet)
    quiet = setTimeout(() => {
      if (isSwallowing) tell.swallowed()
      end()
    }, quietMs)
  }

  const delayMs = (): number => (fault.kind === 'latency' ? fault.ms : 0)
  const up = delayed(server, delayMs)
  const down = delayed(client, delayMs)
  client.on('data', (bytes) => {
    // What comes after the cut, until the connection has ended, is lost with it.
    if (isCut) return
    const cut = fault.kind === 'cut' ? bytes.indexOf(fault.request) : -1
    if (cut >= 0) {
      isCut = true
      up.write(bytes.subarray(0, cut))
      endWhenQuiet()
      return
    }
    if (fault.kind === 'swallow' && bytes.includes(fault.request ?? '')) isSwallowing = true
    up.write(bytes)
  })
  server.on('data', (bytes) => {
    if (!isSwallowing && !isCut) {
      down.write(bytes)
      return
    }
    // The server has done what it was asked for once it answers; its last words tell that it has done all of it.
    endWhenQuiet()
  })
  // A paused socket still hears that its other end is gone; half-open means that nobody else hears of it.
  const unheard: (() => void)[] = []
  const hear = (what: () => void): void => {
    if (fault.kind === 'half-open') unheard.push(what)
    else what()
  }
  client.on('end', () => hear(() => up.end()))
  server.on('end', () => hear(() => (isSwallowing ? end() : down.end())))
  for (const socket of [client, server]) {
    socket.on('error', () => hear(end))
    socket.on('close', () => hear(() => client.closed && server.closed && end()))
  }

  return {
    end,
    set(next) {
      if (isEnded) return
      fault = next
      if (next.kind === 'reset') {
        end()
      } else if (next.kind === 'half-open') {
        for (const socket of [client, server]) socket.pause()
      } else {
        for (const socket of [client, server]) socket.resume()
        for (const what of unheard.splice(0)) what()
      }
    },
  }
}

/** Writes to a socket, each part after the delay that holds when it comes, and never one before the one before it. */
function delayed(to: Socket, delayMs: () => number): { write(bytes: Buffer): void; end(): void } {
  const queue: { readonly due: number; readonly bytes: Buffer | null }[] = []
  let isWaiting = false

  function pass(bytes: Buffer | null): void {
    if (to.destroyed || to.writableEnded) return
    if (bytes === null) to.end()
    else to.write(bytes)
  }
  function pump(): void {
    isWaiting = false
    for (let head = queue[0]; head !== undefined; head = queue[0]) {
      const waitMs = head.due - performance.now()
      if (waitMs > 0) {
        pumpIn(waitMs)
        return
      }
      queue.shift()
      pass(head.bytes)
    }
  }
  function pumpIn(ms: number): void {
    if (!isWaiting) setTimeout(pump, ms)
    isWaiting = true
  }
  function add(bytes: Buffer | null): void {
    const ms = delayMs()
    if (ms > 0 || queue.length > 0) {
      queue.push({ due: performance.now() + ms, bytes })
      pumpIn(ms)
    } else {
      pass(bytes)
    }
  }
  return { write: add, end: () => add(null) }
}
