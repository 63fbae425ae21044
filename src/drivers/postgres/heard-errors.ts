const heard = new WeakSet<object>()

/**
 * Lets no client of a pool end the process: one that is handed out has no listener for errors until its taker runs, and a server that
 * ends it in that moment would be an unhandled event. Who uses the client hears of it by what he sends. May be repeated.
 */
export function hearErrors(pool: object): void {
  if (heard.has(pool) || !('on' in pool) || typeof pool.on !== 'function') return
  heard.add(pool)
  pool.on('connect', (client: unknown) => {
    if (typeof client !== 'object' || client === null || !('on' in client) || typeof client.on !== 'function') return
    client.on('error', () => {})
  })
}
