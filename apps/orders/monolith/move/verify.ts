import type { PostgresStore, Sql } from 'estafet/postgres'
import { isSameAmount } from '../../orders/money.ts'
import { differing } from './differing.ts'
import { measures, type Part, type Target, targets } from './part.ts'
import { addedUp, sourcePage } from './source-parts.ts'
import { sourceTables } from './source-rows.ts'
import { sourceTotals } from './source-totals.ts'
import { type TargetDatabases, targetIds, targetRows, targetTotals } from './target-rows.ts'

/** A row that is not where it should be, or not as it should be, or where it should not be. */
export interface Difference {
  readonly target: Target
  readonly id: string
  readonly kind: 'missing' | 'different' | 'unexpected'
  readonly what: string
}

/** A row that is not moved because it cannot be, or that is, with something to say of it. */
export interface Remark {
  readonly target: Target
  readonly id: string
  readonly reason: string
}

/** What is added up: of the monolith's rows, of those held back, and of the target's. Right if the first is the sum of the others. */
export interface Total {
  readonly target: Target
  readonly measure: string
  readonly source: string
  readonly held: string
  readonly moved: string
  readonly isRight: boolean
}

export interface Verification {
  readonly rows: number
  readonly differences: readonly Difference[]
  readonly held: readonly Remark[]
  readonly notes: readonly Remark[]
  readonly totals: readonly Total[]
}

export interface VerifyOptions {
  /** Of the monolith: says what could be published. */
  readonly store: PostgresStore
  /** Rows that are compared at once. */
  readonly batch: number
  readonly compared: (rows: number) => void
}

/**
 * Compares the monolith with every target, row by row and by totals, in both directions. `source` is one connection, in a transaction that
 * sees one moment; nothing is written.
 */
export async function verify(
  source: Sql,
  databases: TargetDatabases,
  { store, batch, compared }: VerifyOptions,
): Promise<Verification> {
  const found: Found = { rows: 0, differences: [], held: [], notes: [], wanted: new Map(), heldTotals: new Map() }
  for (const table of sourceTables) {
    for (let after: string | null = null; ; ) {
      const { ids, parts } = await sourcePage(source, store, table, { after, upTo: null, limit: batch })
      for (const [target, of] of Map.groupBy(parts, (part) => part.target)) {
        await compare(databases, target, of, found)
      }
      found.rows += ids.length
      compared(found.rows)
      if (ids.length < batch) break
      after = ids.at(-1) ?? after
    }
  }
  for (const target of targets) await findUnexpected(databases, target, batch, found)
  const totals: Total[] = []
  for (const target of targets) totals.push(...(await totalsOf(source, databases, target, found)))
  const byTarget = (one: Remark, other: Remark) => targets.indexOf(one.target) - targets.indexOf(other.target)
  const { rows, differences } = found
  return { rows, differences, held: found.held.sort(byTarget), notes: found.notes.sort(byTarget), totals }
}

/** Whether everything is where it should be, or said why not. */
export function isComplete({ differences, totals }: Verification): boolean {
  return differences.length === 0 && totals.every(({ isRight }) => isRight)
}

interface Found {
  rows: number
  readonly differences: Difference[]
  readonly held: Remark[]
  readonly notes: Remark[]
  /** By target, the ids that it is to have. */
  readonly wanted: Map<Target, Set<string>>
  /** By target, what is added up of the rows that are held back: their number first. */
  readonly heldTotals: Map<Target, readonly string[]>
}

async function compare(
  databases: TargetDatabases,
  target: Target,
  parts: readonly Part[],
  found: Found,
): Promise<void> {
  const ids = parts.map(({ id }) => id)
  const has = await targetRows(databases, target, ids)
  const wanted = found.wanted.get(target) ?? new Set()
  found.wanted.set(target, wanted)
  for (const { id, message, isWanted, reasons, notes, customer, amounts } of parts) {
    if (!isWanted) {
      for (const reason of reasons) found.held.push({ target, id, reason })
      found.heldTotals.set(target, addedUp(found.heldTotals.get(target) ?? [], ['1', ...amounts]))
      continue
    }
    wanted.add(id)
    for (const reason of notes) found.notes.push({ target, id, reason })
    // Users were compared before the orders.
    if (customer !== null && found.wanted.get('users')?.has(customer) !== true) {
      found.notes.push({ target, id, reason: `its user ${customer} is held back` })
    }
    const row = has.get(id)
    if (row === undefined) {
      found.differences.push({ target, id, kind: 'missing', what: 'it is not there' })
      continue
    }
    for (const what of [...differing(message.data, row.data), ...row.faults]) {
      found.differences.push({ target, id, kind: 'different', what })
    }
  }
}

async function findUnexpected(databases: TargetDatabases, target: Target, batch: number, found: Found): Promise<void> {
  for (let after = ''; ; ) {
    const ids = await targetIds(databases, target, after, batch)
    for (const id of ids.filter((each) => found.wanted.get(target)?.has(each) !== true)) {
      found.differences.push({ target, id, kind: 'unexpected', what: 'it should not be there' })
    }
    if (ids.length < batch) return
    after = ids.at(-1) ?? after
  }
}

async function totalsOf(
  source: Sql,
  databases: TargetDatabases,
  target: Target,
  found: Found,
): Promise<readonly Total[]> {
  const [all, moved] = [await sourceTotals(source, target), await targetTotals(databases, target)]
  const held = found.heldTotals.get(target) ?? []
  return ['rows', ...measures[target]].map((measure, at) => {
    const each = { source: all[at] ?? '0', held: held[at] ?? '0', moved: moved[at] ?? '0' }
    const [sum = '0'] = addedUp([each.held], [each.moved])
    return { target, measure, ...each, isRight: isSameAmount(each.source, sum) }
  })
}
