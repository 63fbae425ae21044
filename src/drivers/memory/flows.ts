import type { FlowEvent, FlowName, Flows, FlowView } from '../../ports/flows.ts'
import type { MemoryTransaction } from './database.ts'
import type { MemorySession } from './session.ts'
import { transactionalTable } from './transactional-table.ts'

/** A flow, as FlowSearch of the same database finds it. */
export interface MemoryFlow {
  readonly number: bigint
  readonly name: FlowName
  readonly events: readonly FlowEvent[]
  /** Null until it is saved. */
  readonly view: FlowView | null
}

export const flowTable = 'flow'

/** What happened in flows, in a memory database. */
export function memoryFlows({ database, interrupt }: MemorySession): Flows<MemoryTransaction> {
  const flows = transactionalTable<MemoryFlow>(database, flowTable)
  return {
    note(tx, name, event) {
      return database.statement(tx, async () => {
        await interrupt('note event')
        const key = flowKey(name)
        await database.lock(tx, `flow ${key}`, 'exclusive')
        const known = flows.get(tx, key) ?? { number: flows.draw(), name, events: [], view: null }
        const isKnown = known.events.some(({ source, id }) => source === event.source && id === event.id)
        const events = isKnown ? known.events : [...known.events, event]
        flows.set(tx, key, { ...known, events })
        return events
      })
    },

    save(tx, name, view) {
      return database.statement(tx, async () => {
        await interrupt('save flow')
        const known = flows.get(tx, flowKey(name))
        if (known !== undefined) flows.set(tx, flowKey(name), { ...known, view })
      })
    },

    forget(tx, days) {
      return database.statement(tx, async () => {
        await interrupt('forget flows')
        const before = database.clock.now() - days * 86_400_000
        for (const [key, { view }] of flows.all(tx)) {
          if (view === null || view.status === 'waiting' || Date.parse(view.lastAt) > before) continue
          await database.lock(tx, `flow ${key}`, 'exclusive')
          flows.set(tx, key, null)
        }
      })
    },
  }
}

export function flowKey({ flow, correlationId }: FlowName): string {
  return JSON.stringify([flow, correlationId])
}
