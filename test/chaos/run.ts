import { appendFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../../src/drivers/memory/random.ts'
import { client } from './client.ts'
import type { Disk } from './disk.ts'
import { evidenceOf, idleLanes, type Journals, journals } from './evidence.ts'
import { page, type Witnessed } from './history.ts'
import { injure } from './injure.ts'
import type { Mutant } from './mutants.ts'
import { type FaultName, isOfProcess, type Planned, plan } from './nemesis.ts'
import { type ChaosSystem, chaosSystem } from './system.ts'
import { type Evidence, type Fault, judge } from './verdict.ts'

export interface RunOptions {
  readonly seed: number
  readonly seconds: number
  readonly faults: readonly FaultName[]
  /** Kinds of poison; empty for none. */
  readonly poison: readonly string[]
  readonly mutant: Mutant | null
  readonly hasBreaker: boolean
  readonly disk: Disk | null
  /** Where logs and history go, and the data where there is no small disk. */
  readonly folder: string
  readonly say: (line: string) => void
  /** What replays this run. */
  readonly command: string
}

export interface RunResult {
  readonly faults: readonly Fault[]
  readonly operations: number
  readonly unknown: number
  readonly effects: number
  readonly dead: number
  readonly injuries: number
  readonly restarts: number
  readonly swallowed: number
  readonly drainMs: number
}

const leaseMs = 2_000
/** After the last fault has healed: the promise of I8. What a mutant lost is not waited for as long. */
const drainMs = (mutant: Mutant | null): number => (mutant === null ? 60_000 : 10_000)
const workers = 6

/** One seed, from an empty server to the verdict. */
export async function run(options: RunOptions): Promise<RunResult> {
  const { seed, folder, disk, say } = options
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const home = join(disk?.path ?? folder, `data-${seed}`)
  const system = await chaosSystem({ ...options, home, leaseMs })
  try {
    return await judged(options, system, home)
  } finally {
    await system.stop()
    rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    say(`seed ${seed}: stopped`)
  }
}

async function judged(options: RunOptions, system: ChaosSystem, home: string): Promise<RunResult> {
  const { seed, seconds, say } = options
  const witnessed: Witnessed = { beganMs: Date.now(), operations: [], injuries: [] }
  const nowMs = (): number => Date.now() - witnessed.beganMs
  const note = (name: string, what: object): void =>
    appendFileSync(join(options.folder, `${name}.jsonl`), `${JSON.stringify(what)}\n`)
  const asking = client({
    random: seededRandom(seed),
    nowMs,
    poison: { everyMs: (700 * seconds) / (options.poison.length + 1), kinds: options.poison },
    ports: () => portsOf(system, 'orders'),
    record(operation) {
      witnessed.operations.push(operation)
      note('operations', operation)
    },
  })
  const planned = plan({
    ...{ random: seededRandom(seed + 1_000_000), totalMs: seconds * 1_000, leaseMs },
    ...{ processes: system.processes, faults: options.faults },
  })
  const carryOut = async (each: Planned): Promise<void> => {
    await sleep(Math.max(0, each.atMs - nowMs()))
    const injury = { ...each, beganMs: nowMs() }
    witnessed.injuries.push(injury)
    note('injuries', injury)
    say(`seed ${seed}: ${(each.atMs / 1000).toFixed(1)} s: ${JSON.stringify(each.injury)} for ${each.forMs} ms`)
    const heal = await injure(system, options.disk, each.injury)
    await sleep(each.forMs)
    await heal()
  }
  const inTurn = async (all: readonly Planned[]): Promise<void> => {
    for (const each of all) await carryOut(each)
  }
  const ending = new AbortController()
  const asked = asking.run(workers, ending.signal)
  await Promise.all([
    inTurn(planned.filter(isOfProcess)),
    inTurn(planned.filter((each) => !isOfProcess(each))),
    sleep(seconds * 1_000),
  ])
  ending.abort()
  await asked

  const healedMs = nowMs()
  say(`seed ${seed}: healed; ${witnessed.operations.length} operations; draining`)
  const drained = await drain(system, witnessed, drainMs(options.mutant))
  let evidence = evidenceOf(witnessed.operations, drained.seen, { stuck: drained.stuck })
  const tookMs = nowMs() - healedMs
  if (drained.stuck.length === 0) evidence = await calm(system, witnessed, asking.run, drainMs(options.mutant))
  const faults = judge(evidence)
  if (faults.length > 0) {
    cpSync(join(home, 'postgres.log'), join(options.folder, 'postgres.log'))
    const text = page({ command: options.command, faults, evidence, witnessed })
    writeFileSync(join(options.folder, 'history.txt'), text)
    say(text)
  }
  return {
    faults,
    operations: witnessed.operations.length,
    unknown: witnessed.operations.filter(({ outcome }) => outcome === 'unknown').length,
    effects: evidence.effects.length,
    dead: evidence.setAside.filter(({ state }) => state === 'dead').length,
    injuries: planned.length,
    restarts: Object.values(system.supervisor.restarts()).reduce((sum, each) => sum + each, 0),
    swallowed: system.proxy.swallowed(),
    drainMs: tookMs,
  }
}

/** Waits until everything has arrived and every lane is held, for as long as I8 allows; tells what is not so. */
async function drain(
  system: ChaosSystem,
  witnessed: Witnessed,
  withinMs: number,
): Promise<{ seen: Journals; stuck: readonly string[] }> {
  const deadline = Date.now() + withinMs
  let seen: Journals = { committed: [], effects: [], setAside: [] }
  for (;;) {
    const stuck: string[] = []
    try {
      stuck.push(...(await idleLanes(system.direct)))
      seen = await journals(system.direct)
      stuck.push(...open(evidenceOf(witnessed.operations, seen)))
    } catch (error) {
      stuck.push(`the database does not answer: ${error instanceof Error ? error.message : 'unknown'}`)
    }
    for (const name of system.processes) {
      if ((await told(system, name)) === null) stuck.push(`${name} does not answer`)
    }
    if (stuck.length === 0 || Date.now() > deadline) return { seen, stuck }
    await sleep(300)
  }
}

/** What may still change: lost may be late, poison may not be dead yet. */
function open(evidence: Evidence): readonly string[] {
  const late = judge(evidence).filter(
    ({ invariant, says }) =>
      invariant === 'I1 no loss' || says.includes('poison without a dead letter') || says.includes('waits and nothing'),
  )
  const retrying = evidence.setAside.filter(({ state }) => state === 'retrying').length
  return [...late.map(({ says }) => says), ...(retrying > 0 ? [`${retrying} messages are still tried again`] : [])]
}

/** A little more work with no faults, in which what the processes count must be what there is. */
async function calm(
  system: ChaosSystem,
  witnessed: Witnessed,
  ask: (workers: number, signal: AbortSignal, limit: number) => Promise<void>,
  withinMs: number,
): Promise<Evidence> {
  for (let attempt = 1; ; attempt++) {
    const before = { told: await toldByAll(system), seen: await journals(system.direct) }
    await ask(2, new AbortController().signal, 40)
    const drained = await drain(system, witnessed, withinMs)
    const after = await toldByAll(system)
    const isSame = Object.keys(after).join() === Object.keys(before.told).join()
    if (!isSame && attempt < 3) continue
    const stuck = isSame ? drained.stuck : [...drained.stuck, 'processes end although nobody hurts them']
    const sum = (of: Readonly<Record<string, number>>): number => Object.values(of).reduce((so, each) => so + each, 0)
    const applied = sum(after) - sum(before.told)
    const effects = drained.seen.effects.length - before.seen.effects.length
    return evidenceOf(witnessed.operations, drained.seen, { stuck, told: isSame ? { applied, effects } : null })
  }
}

/** Applied messages by process; a process that was started again counts as another one. */
async function toldByAll(system: ChaosSystem): Promise<Readonly<Record<string, number>>> {
  const subscribers = system.processes.filter((name) => !name.startsWith('orders'))
  const all = await Promise.all(subscribers.map((name) => told(system, name)))
  return Object.fromEntries(all.flatMap((each) => (each === null ? [] : [[each.process, each.applied]])))
}

async function told(system: ChaosSystem, name: string): Promise<{ process: string; applied: number } | null> {
  try {
    const port = portsOf(system, name)[name]
    const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(3_000) })
    const said: unknown = await answer.json()
    if (typeof said !== 'object' || said === null || !('process' in said)) return null
    const applied = 'applied' in said ? Number(said.applied) : 0
    return { process: String(said.process), applied }
  } catch {
    return null
  }
}

function portsOf(system: ChaosSystem, prefix: string): Readonly<Record<string, number>> {
  const entries = Object.entries(system.supervisor.announcements()).filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(entries.map(([name, said]) => [name, Number(said['port'] ?? 0)]))
}
