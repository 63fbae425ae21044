import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from 'estafet'
import type { Order } from './child.ts'
import { poisons } from './poison.ts'
import type { Operation } from './verdict.ts'

/** An operation with when it was asked for and answered, in ms since the run began. */
export interface Recorded extends Operation {
  readonly by: string
  readonly askedMs: number
  readonly answeredMs: number
}

export interface ClientOptions {
  readonly random: Random
  /** The processes of `orders`, and the port of each as it was last known. */
  readonly ports: () => Readonly<Record<string, number>>
  /** Each kind is sent until one of it is committed, or may be where it is deadly. */
  readonly poison: { readonly everyMs: number; readonly kinds: readonly string[] }
  readonly record: (operation: Recorded) => void
  readonly nowMs: () => number
}

export interface Client {
  /** Asks with so many at once until the signal aborts, or so many operations have been asked for. */
  run(workers: number, signal: AbortSignal, limit?: number): Promise<void>
}

const keys = 40
const patienceMs = 4_000

/** Asks `orders` for operations, each once and under an id of its own, and writes down what it was told. */
export function client(options: ClientOptions): Client {
  const { random } = options
  let last = 0
  const kinds = [...options.poison.kinds]
  let nextPoisonMs = options.poison.everyMs
  const soon: Omit<Order, 'operation'>[] = []

  function next(): Order {
    last += 1
    const operation = last
    const waiting = soon.shift()
    if (waiting !== undefined) return { operation, ...waiting }
    const [poison] = kinds
    if (poison !== undefined && options.nowMs() >= nextPoisonMs) {
      kinds.shift()
      nextPoisonMs = options.nowMs() + options.poison.everyMs
      const key = `poisoned-${operation}`
      // A key of its own, so that what waits behind it are these three and not the whole run.
      for (let follower = 0; follower < 3; follower++) soon.push({ key, isRefused: false, poison: null })
      return { operation, key, isRefused: false, poison }
    }
    const key = random.fraction() < 0.2 ? 'hot' : `key-${Math.floor(random.fraction() * keys)}`
    return { operation, key, isRefused: random.fraction() < 0.05, poison: null }
  }

  async function ask(order: Order): Promise<void> {
    const ports = Object.entries(options.ports())
    const [by = '', port = 0] = ports[Math.floor(random.fraction() * ports.length)] ?? []
    const askedMs = options.nowMs()
    const outcome = await outcomeOf(port, order)
    const { operation, key, poison } = order
    options.record({ operation, key, poison, outcome, by, askedMs, answeredMs: options.nowMs() })
    const isDeadly = poisons.some(({ kind, isDeadly }) => kind === poison && isDeadly)
    // A deadly one that may be there is not sent again: each costs a service half a minute.
    if (poison !== null && (outcome === 'fail' || (outcome === 'unknown' && !isDeadly))) kinds.unshift(poison)
    // A process that is not there refuses at once, and would have most of the operations.
    if (outcome !== 'ok') await sleep(200)
  }

  async function work(signal: AbortSignal, limit: number): Promise<void> {
    while (!signal.aborted && last < limit) {
      await ask(next())
      await sleep(20 + 40 * random.fraction())
    }
  }

  return {
    async run(workers, signal, limit = Number.POSITIVE_INFINITY) {
      const upTo = last + limit
      await Promise.all(Array.from({ length: workers }, () => work(signal, upTo)))
    },
  }
}

async function outcomeOf(port: number, order: Order): Promise<Operation['outcome']> {
  try {
    const signal = AbortSignal.timeout(patienceMs)
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify(order), signal })
    await answer.body?.cancel()
    return answer.status === 200 ? 'ok' : answer.status === 409 ? 'fail' : 'unknown'
  } catch (error) {
    return isRefusedConnection(error) ? 'fail' : 'unknown'
  }
}

/** Nobody listened, so nobody heard of it. */
function isRefusedConnection(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : null
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED'
}
