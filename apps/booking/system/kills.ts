import { setTimeout as sleep } from 'node:timers/promises'
import { serviceNames } from './services.ts'
import type { System } from './system.ts'

/**
 * Kills services, the database server and the broker, kill -9, at moments that the seed decides, until the signal aborts. What has not
 * come back since its last kill is passed over, and nothing is killed before `between` more trips came to their end: a slow machine would
 * otherwise do nothing but start. Resolves to what was killed, in order.
 */
export async function killAtRandom(
  system: System,
  seed: number,
  { ended, between }: { readonly ended: () => number; readonly between: number },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const random = mulberry32(seed)
  const targets = [...serviceNames, 'PostgreSQL', ...(system.broker === null ? [] : ['broker' as const])] as const
  const killed: string[] = []
  const announced = new Map<string, unknown>()
  let isBrokerDown = false
  let endedBefore = -between

  /** False when it is still down. */
  function kill(target: (typeof targets)[number]): boolean {
    if (target === 'PostgreSQL') {
      system.server.kill()
    } else if (target === 'broker') {
      if (isBrokerDown || system.broker === null) return false
      isBrokerDown = true
      const back = (): void => {
        isBrokerDown = false
      }
      system.broker.crash().then(back, back)
    } else {
      const said = system.supervisor.announcements()[target]
      if (said === announced.get(target)) return false
      announced.set(target, said)
      killProcess(system.supervisor.pids()[target] ?? 0)
    }
    return true
  }

  while (!signal.aborted) {
    await sleep(200 + random() * 1_600, undefined, { signal }).catch(() => {})
    if (signal.aborted) break
    const target = targets[Math.floor(random() * targets.length)] ?? 'PostgreSQL'
    if (ended() - endedBefore < between || !kill(target)) continue
    endedBefore = ended()
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
