import { setTimeout as sleep } from 'node:timers/promises'
import type { Disk } from './disk.ts'
import { Placed } from './events.ts'
import type { ProxiedConnection, ProxyFault } from './fault-proxy.ts'
import type { Injury } from './nemesis.ts'
import type { ChaosSystem } from './system.ts'

/** Begins a fault, and resolves once it has begun to what ends it. */
export async function injure(
  system: ChaosSystem,
  disk: Disk | null,
  injury: Injury,
): Promise<() => Promise<void> | void> {
  switch (injury.fault) {
    case 'kill':
      signal(system.supervisor.pids()[injury.process], 'SIGKILL')
      return () => {}
    case 'freeze': {
      const pid = system.supervisor.pids()[injury.process]
      signal(pid, 'SIGSTOP')
      return () => signal(pid, 'SIGCONT')
    }
    case 'latency':
      system.proxy.set({ kind: 'latency', ms: injury.ms })
      return () => system.proxy.set({ kind: 'off' })
    case 'reset':
      some(system, injury.share, { kind: 'reset' })
      return () => system.proxy.set({ kind: 'off' })
    case 'swallow':
      return again(
        300,
        () => some(system, injury.share, { kind: 'swallow', request: 'COMMIT' }),
        () => system.proxy.set({ kind: 'off' }),
      )
    case 'half-open':
      if (injury.heals === 'never') {
        for (const connection of chosen(system, injury.share)) connection.set({ kind: 'half-open' })
        return () => {}
      }
      some(system, injury.share, { kind: 'half-open' })
      return () => {
        if (injury.heals === 'reset') system.proxy.set({ kind: 'reset' })
        system.proxy.set({ kind: 'off' })
      }
    case 'postgres':
      signal(system.server.pid, injury.how)
      return () => {}
    case 'foreign':
      return foreign(system, injury.database)
    case 'disk':
      await disk?.fill()
      return () => disk?.free()
  }
}

function signal(pid: number | undefined, name: NodeJS.Signals): void {
  try {
    // 0 would be our own process group.
    if (pid !== undefined && pid > 0) process.kill(pid, name)
  } catch {
    // It ended in between.
  }
}

/** A share of the connections open now; with a share of 1, those to come as well. */
function some(system: ChaosSystem, share: number, fault: ProxyFault): void {
  if (share >= 1) system.proxy.set(fault)
  else for (const connection of chosen(system, share)) connection.set(fault)
}

function chosen(system: ChaosSystem, share: number): readonly ProxiedConnection[] {
  return system.proxy.connections().filter(() => Math.random() < share)
}

function again(everyMs: number, begin: () => void, end: () => void): () => void {
  begin()
  const timer = setInterval(begin, everyMs)
  return () => {
    clearInterval(timer)
    end()
  }
}

/** A transaction that is not the toolkit's: it publishes, stays open, and is rolled back. Nobody may ever see its event. */
async function foreign(system: ChaosSystem, database: 'orders' | 'billing'): Promise<() => Promise<void>> {
  const opened = await system.direct[database].connect().catch(() => null)
  if (opened === null) return async () => {}
  opened.on('error', () => {})
  const publish = `SELECT estafet.publish(ARRAY[gen_random_uuid()], ARRAY[$1], ARRAY[1]::smallint[], ARRAY[$2],
    ARRAY['foreign'], ARRAY[NULL]::text[], ARRAY[NULL]::text[], ARRAY[NULL]::text[], ARRAY[NULL]::text[], ARRAY[$3], false)`
  const payload = JSON.stringify({ operation: -1, key: 'foreign', sequence: 1, trouble: 'none', note: '' })
  const failed = await opened
    .query('BEGIN')
    .then(() => opened.query(publish, [Placed.type, Placed.topic, payload]))
    .then(
      () => false,
      () => true,
    )
  return async () => {
    const ended = failed
      ? true
      : await Promise.race([
          opened.query('ROLLBACK').then(
            () => false,
            () => true,
          ),
          sleep(2_000, true),
        ])
    opened.release(ended)
  }
}
