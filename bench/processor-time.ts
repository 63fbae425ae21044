import { readdirSync, readFileSync } from 'node:fs'

/** Processor time in ms, which other programs on the machine change much less than they change how long something takes. */
export interface ProcessorTime {
  readonly node: number
  /** Of the server with all its processes; 0 where there is no /proc to ask. */
  readonly server: number
}

/** What this process and a server's processes have used so far. */
export function processorTime(serverPid: number): ProcessorTime {
  const { user, system } = process.cpuUsage()
  return { node: (user + system) / 1_000, server: ticksOf(serverPid) * 10 }
}

export function usedSince(before: ProcessorTime, now: ProcessorTime): ProcessorTime {
  return { node: now.node - before.node, server: now.server - before.server }
}

/** Of the postmaster, its children, and those children that it has waited for; in hundredths of a second. */
function ticksOf(postmaster: number): number {
  let ticks = 0
  for (const entry of namesIn('/proc')) {
    const pid = Number(entry)
    if (!Number.isInteger(pid)) continue
    const stat = statOf(pid)
    if (stat === null) continue
    const [parent = 0, own = 0, waited = 0] = stat
    if (pid === postmaster) ticks += own + waited
    else if (parent === postmaster) ticks += own
  }
  return ticks
}

/** The parent of a process, its own time, and that of the children that it has waited for; null when it is gone. */
function statOf(pid: number): readonly [number, number, number] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name may hold spaces and brackets; what follows the last bracket does not.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const at = (field: number): number => Number(fields[field - 3] ?? 0)
    return [at(4), at(14) + at(15), at(16) + at(17)]
  } catch {
    return null
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
