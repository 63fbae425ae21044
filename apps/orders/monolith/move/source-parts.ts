import { type ErrorCode, isEstafetError, type OutgoingMessage } from 'estafet'
import type { PostgresStore, Sql } from 'estafet/postgres'
import { plus } from '../../orders/money.ts'
import {
  OrderGone,
  OrderSaved,
  ProductGone,
  ProductSaved,
  StockCounted,
  StockGone,
  UserGone,
  UserSaved,
} from '../messages.ts'
import type { Part } from './part.ts'
import {
  type OrderRow,
  orderRows,
  type ProductRow,
  productRows,
  type SourceTable,
  type UserRow,
  userRows,
  type Which,
} from './source-rows.ts'

/** Rows of a table of the monolith, each with what becomes of it. */
export interface SourcePage {
  readonly ids: readonly string[]
  readonly parts: readonly Part[]
}

/**
 * Reads rows of the monolith and decides what becomes of them: by what stands there at this moment, and by what `store` would
 * publish, and nothing else.
 */
export async function sourcePage(
  sql: Sql,
  store: PostgresStore,
  table: SourceTable,
  which: Which,
): Promise<SourcePage> {
  if (table === 'users') return pageOf(store, await userRows(sql, which), userDrafts)
  if (table === 'products') return pageOf(store, await productRows(sql, which), productDrafts)
  return pageOf(store, await orderRows(sql, which), orderDrafts)
}

/** What becomes of a row that the monolith has no more. */
export function goneParts(table: SourceTable, id: string): readonly Part[] {
  const none = { id, isWanted: false, reasons: [], notes: [], customer: null, amounts: [] }
  if (table === 'users') return [{ ...none, target: 'users', message: UserGone({ id }) }]
  if (table === 'orders') return [{ ...none, target: 'orders', message: OrderGone({ id }) }]
  return [
    { ...none, target: 'products', message: ProductGone({ id }) },
    { ...none, target: 'stock', message: StockGone({ id }) },
  ]
}

/** A part before it was seen whether there can be a message of it. */
interface Draft extends Omit<Part, 'message' | 'isWanted'> {
  /** Makes the message that the target has it by; null if it is held back. */
  readonly saved: (() => OutgoingMessage) | null
  readonly gone: OutgoingMessage
}

async function pageOf<Row extends { readonly id: string }>(
  store: PostgresStore,
  rows: readonly Row[],
  draftsOf: (row: Row) => readonly Draft[],
): Promise<SourcePage> {
  const parts: Part[] = []
  for (const draft of rows.flatMap(draftsOf)) parts.push(await partOf(store, draft))
  return { ids: rows.map(({ id }) => id), parts }
}

/** What says that there can be no message of a row, whatever is in it that nobody thought of. */
const refusals: readonly ErrorCode[] = ['INVALID_MESSAGE', 'UNENCODABLE', 'TOO_LARGE']

async function partOf(store: PostgresStore, { saved, gone, ...draft }: Draft): Promise<Part> {
  const held = { ...draft, message: gone, isWanted: false, notes: [] }
  if (saved === null) return held
  try {
    const message = saved()
    // Encodes it as publishing will: there, one that cannot be encoded would stop all others of its batch, too.
    await store.prepare([message])
    return { ...draft, message, isWanted: true }
  } catch (error) {
    if (!isEstafetError(error) || !refusals.includes(error.code)) throw error
    return { ...held, reasons: [`${error.code}: ${error.message}`] }
  }
}

function userDrafts({ reasons, email, ...row }: UserRow): readonly Draft[] {
  const { id } = row
  const saved = reasons.length > 0 || email === null ? null : () => UserSaved({ ...row, email })
  return [{ target: 'users', id, saved, gone: UserGone({ id }), reasons, notes: [], customer: null, amounts: [] }]
}

function productDrafts(row: ProductRow): readonly Draft[] {
  const { id, name, description, price, stock_quantity: quantity, reasons, stock_reasons } = row
  const isHeld = reasons.length > 0 || name === null
  const isUncounted = stock_reasons.length > 0 || quantity === null
  return [
    {
      ...{ target: 'products', id, reasons, customer: null },
      amounts: [price === null || price === 'NaN' ? '0' : price],
      saved: isHeld ? null : () => ProductSaved({ id, name, description, price }),
      gone: ProductGone({ id }),
      notes: price === null ? ['it has no price: it is not sold any more'] : [],
    },
    {
      ...{ target: 'stock', id, reasons: stock_reasons, notes: [], customer: null },
      amounts: [`${quantity ?? 0}`],
      saved: isUncounted ? null : () => StockCounted({ id, quantity }),
      gone: StockGone({ id }),
    },
  ]
}

function orderDrafts(row: OrderRow): readonly Draft[] {
  const { id, user_id: customer, status, created_at, total_amount, items_total, reasons, notes } = row
  const items = row.items.flatMap(({ item_id, product_id, quantity, price }) =>
    product_id === null || quantity === null || price === null ? [] : [{ item_id, product_id, quantity, price }],
  )
  const amounts = [total_amount, String(row.items.length), items_total]
  const isHeld = reasons.length > 0 || created_at === null || (status !== 'CREATED' && status !== 'CONFIRMED')
  const saved = isHeld ? null : () => OrderSaved({ id, customer_id: customer, status, total_amount, created_at, items })
  return [{ target: 'orders', id, saved, gone: OrderGone({ id }), reasons, notes, customer, amounts }]
}

/** Amounts of several parts, added up one by one. */
export function addedUp(sums: readonly string[], amounts: readonly string[]): readonly string[] {
  return amounts.map((amount, at) => plus(sums[at] ?? '0', { quantity: 1, price: amount }))
}
