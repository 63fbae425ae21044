import { setTimeout as sleep } from 'node:timers/promises'
import { serviceNames } from './services.ts'
import type { System } from './system.ts'

/**
 * Kills services, the database server and the broker, kill -9, at moments that the seed decides, until the signal aborts. Resolves to
 * what was killed, in order.
 */
export async function killAtRandom(system: System, seed: number, signal: AbortSignal): Promise<readonly string[]> {
  const random = mulberry32(seed)
  const targets = [...serviceNames, 'PostgreSQL', ...(system.broker === null ? [] : ['broker' as const])] as const
  const killed: string[] = []
  while (!signal.aborted) {
    await sleep(150 + random() * 900, undefined, { signal }).catch(() => {})
    if (signal.aborted) break
    const target = targets[Math.floor(random() * targets.length)] ?? 'PostgreSQL'
    if (target === 'PostgreSQL') system.server.kill()
    else if (target === 'broker') void system.broker?.crash().catch(() => {})
    else killProcess(system.supervisor.pids()[target] ?? 0)
    killed.push(target)
  }
  return killed
}

function killProcess(pid: number): void {
  try {
    if (pid > 0) process.kill(pid, 'SIGKILL')
  } catch {
    // It was just restarting: then the next kill finds it.
  }
}

function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
