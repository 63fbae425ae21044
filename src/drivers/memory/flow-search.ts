import type { FlowRow, FlowSearch, ShownFlow } from '../../ports/flow-search.ts'
import type { FlowEvent, FlowView } from '../../ports/flows.ts'
import { flowKey, flowTable, type MemoryFlow } from './flows.ts'
import type { MemorySession } from './session.ts'
import { transactionalTable } from './transactional-table.ts'

/** Flows in a memory database. */
export function memoryFlowSearch({ database, interrupt }: MemorySession): FlowSearch {
  const flows = transactionalTable<MemoryFlow>(database, flowTable).committed
  const rowOf = ({ number, name, view }: MemoryFlow): readonly FlowRow[] =>
    view === null ? [] : [{ ...name, ...view, number, ...agesOf(view, database.clock.now()) }]
  const isOverdue = (row: FlowRow): boolean => overdueOf(row, database.clock.now()).isOverdue
  return {
    async list(filter, { after, limit }) {
      await interrupt('search flows')
      const rows = [...flows.values()]
        .flatMap(rowOf)
        .filter(({ flow }) => filter.flow === null || flow === filter.flow)
        .filter(({ status }) => filter.status === null || status === filter.status)
        .filter((row) => !filter.isOverdue || isOverdue(row))
        .filter(({ number }) => number > (after ?? 0n))
        .sort((a, b) => Number(a.number - b.number))
      const items = rows.slice(0, limit)
      return { items, next: rows.length > limit ? (items.at(-1)?.number ?? null) : null }
    },

    async show(name) {
      await interrupt('show flow')
      const found = flows.get(flowKey(name))
      const [row] = found === undefined ? [] : rowOf(found)
      if (found === undefined || row === undefined) return null
      const shown: ShownFlow = { ...row, events: found.events.toSorted(byTime) }
      return shown
    },

    async summary() {
      await interrupt('count flows')
      const rows = [...flows.values()].flatMap(rowOf)
      const count = (flow: string, is: (row: FlowRow) => boolean): number =>
        rows.filter((row) => row.flow === flow && is(row)).length
      return [...new Set(rows.map(({ flow }) => flow))].sort().map((flow) => ({
        flow,
        unbegun: count(flow, ({ status }) => status === 'unbegun'),
        waiting: count(flow, ({ status }) => status === 'waiting'),
        overdue: count(flow, isOverdue),
        ended: count(flow, ({ status }) => status === 'ended'),
      }))
    },
  }
}

function agesOf(view: FlowView, now: number): Pick<FlowRow, 'idleSeconds' | 'overdueSeconds'> {
  const idleSeconds = Math.max(0, Math.floor((now - Date.parse(view.lastAt)) / 1_000))
  return { idleSeconds, overdueSeconds: overdueOf(view, now).seconds }
}

function overdueOf(
  { status, dueAt }: FlowView,
  now: number,
): { readonly isOverdue: boolean; readonly seconds: number } {
  const isOverdue = status === 'waiting' && dueAt !== null && Date.parse(dueAt) <= now
  return { isOverdue, seconds: isOverdue ? Math.floor((now - Date.parse(dueAt ?? '')) / 1_000) : 0 }
}

function byTime(a: FlowEvent, b: FlowEvent): number {
  return Date.parse(a.at) - Date.parse(b.at) || (a.id < b.id ? -1 : Number(a.id > b.id))
}
