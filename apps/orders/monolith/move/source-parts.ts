import type { Sql } from 'estafet/postgres'
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

/** Reads rows of the monolith and decides what becomes of them: by what stands there at this moment, and nothing else. */
export async function sourcePage(sql: Sql, table: SourceTable, which: Which): Promise<SourcePage> {
  if (table === 'users') return pageOf(await userRows(sql, which), userParts)
  if (table === 'products') return pageOf(await productRows(sql, which), productParts)
  return pageOf(await orderRows(sql, which), orderParts)
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

function pageOf<Row extends { readonly id: string }>(
  rows: readonly Row[],
  partsOf: (row: Row) => readonly Part[],
): SourcePage {
  return { ids: rows.map(({ id }) => id), parts: rows.flatMap(partsOf) }
}

function userParts({ reasons, email, ...row }: UserRow): readonly Part[] {
  const isWanted = reasons.length === 0 && email !== null
  const message = isWanted ? UserSaved({ ...row, email }) : UserGone({ id: row.id })
  return [{ target: 'users', id: row.id, message, isWanted, reasons, notes: [], customer: null, amounts: [] }]
}

function productParts(row: ProductRow): readonly Part[] {
  const { id, name, description, price, stock_quantity: quantity, reasons, stock_reasons } = row
  const isWanted = reasons.length === 0 && name !== null
  const isCounted = stock_reasons.length === 0 && quantity !== null
  return [
    {
      ...{ target: 'products', id, isWanted, reasons, customer: null },
      amounts: [price === null || price === 'NaN' ? '0' : price],
      message: isWanted ? ProductSaved({ id, name, description, price }) : ProductGone({ id }),
      notes: isWanted && price === null ? ['it has no price: it is not sold any more'] : [],
    },
    {
      ...{ target: 'stock', id, isWanted: isCounted, reasons: stock_reasons, notes: [], customer: null },
      amounts: [`${quantity ?? 0}`],
      message: isCounted ? StockCounted({ id, quantity }) : StockGone({ id }),
    },
  ]
}

function orderParts(row: OrderRow): readonly Part[] {
  const { id, status, created_at, total_amount, items_total, reasons, notes } = row
  const items = row.items.flatMap(({ item_id, product_id, quantity, price }) =>
    product_id === null || quantity === null || price === null ? [] : [{ item_id, product_id, quantity, price }],
  )
  const amounts = [total_amount, String(row.items.length), items_total].map((amount) =>
    amount === 'NaN' ? '0' : amount,
  )
  const part = { target: 'orders' as const, id, reasons, customer: row.user_id, amounts }
  if (reasons.length > 0 || created_at === null || (status !== 'CREATED' && status !== 'CONFIRMED')) {
    return [{ ...part, isWanted: false, message: OrderGone({ id }), notes: [] }]
  }
  const message = OrderSaved({ id, customer_id: row.user_id, status, total_amount, created_at, items })
  return [{ ...part, isWanted: true, message, notes }]
}

/** Amounts of several parts, added up one by one. */
export function addedUp(sums: readonly string[], amounts: readonly string[]): readonly string[] {
  return amounts.map((amount, at) => plus(sums[at] ?? '0', { quantity: 1, price: amount }))
}
