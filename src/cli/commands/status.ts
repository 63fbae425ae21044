import { columns } from '../columns.ts'
import type { Call, Outcome } from '../command.ts'
import type { Diagnostic } from '../envelope.ts'
import { CommandFailure } from '../failure.ts'
import { type Instance, instances } from '../fleet.ts'
import { type Facts, factsOf } from '../service-facts.ts'
import { waitFor } from '../wait.ts'

export async function status(call: Call): Promise<Outcome> {
  if (!call.options.has('wait')) return outcome(call, await look(call))
  return outcome(
    call,
    await waitFor(
      call,
      async () => {
        const rows = await look(call)
        return rows.length > 0 && rows.every(({ isReady }) => isReady) ? rows : null
      },
      'Not every service is ready',
    ),
  )
}

interface Row extends Partial<Facts> {
  readonly service: string
  readonly url: string
  readonly state: 'ready' | 'not ready' | 'not live' | 'unreachable' | 'refused'
  readonly isReady: boolean
  readonly failure: Diagnostic | null
}

async function look(call: Call): Promise<readonly Row[]> {
  return Promise.all((await instances(call)).map(rowOf))
}

async function rowOf(instance: Instance): Promise<Row> {
  const { name: service, address } = instance
  const url = address.url.origin
  const lost = (failure: CommandFailure): Row => {
    const state = failure.exit === 'refused' ? 'refused' : 'unreachable'
    return { service, url, state, isReady: false, failure: failure.diagnostic }
  }
  if ('failure' in instance) return lost(instance.failure)
  try {
    const facts = await factsOf(instance.client)
    const state = !facts.isLive ? 'not live' : facts.isReady ? 'ready' : 'not ready'
    return { ...facts, service, url, state, failure: null }
  } catch (error) {
    if (error instanceof CommandFailure && error.exit !== 'interrupted') return lost(error)
    throw error
  }
}

function outcome(call: Call, rows: readonly Row[]): Outcome {
  const table = columns(
    rows,
    [
      { title: 'SERVICE', of: ({ service }) => service },
      { title: 'STATE', of: ({ state }) => state },
      { title: 'VERSION', of: ({ version }) => version ?? null },
      { title: 'LAG', of: ({ lag }) => lag ?? null, align: 'right' },
      { title: 'PARKED KEYS', of: ({ parkedKeys }) => parkedKeys ?? null, align: 'right' },
      { title: 'DEAD LETTERS', of: ({ deadLetters }) => deadLetters ?? null, align: 'right' },
      { title: 'STUCK SAGAS', of: ({ sagas }) => sagas?.stuck ?? null, align: 'right' },
      { title: 'OVERDUE FLOWS', of: ({ flows }) => flows?.overdue ?? null, align: 'right' },
      { title: 'PAUSED BY', of: ({ pausedBy }) => pausedBy ?? null },
      { title: 'URL', of: ({ url }) => url },
    ],
    call.terminal.width,
  )
  const failures = rows.flatMap(({ failure }) => failure ?? [])
  const isWell = rows.every(({ isReady }) => isReady)
  return {
    data: rows.map(({ failure: _, ...row }) => row),
    text: table,
    exit: exitOf(rows, isWell),
    diagnostics: failures,
  }
}

/** One that answers and is not well is the bad thing found; when none answers there is nothing to say of them. */
function exitOf(rows: readonly Row[], isWell: boolean): Outcome['exit'] {
  if (isWell) return 'ok'
  if (rows.every(({ state }) => state === 'unreachable')) return 'unreachable'
  return rows.every(({ state }) => state === 'refused') ? 'refused' : 'found'
}
