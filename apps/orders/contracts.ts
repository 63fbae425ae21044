import { service } from 'estafet'
import { contracts } from 'estafet/contracts'
import { postgresStreams } from 'estafet/postgres'
import pg from 'pg'
import { catalogFollowing } from './catalog/follow-monolith.ts'
import { ProductChanged, ProductRemoved } from './catalog/messages.ts'
import { inventoryFollowing } from './inventory/follow-monolith.ts'
import {
  OrderGone,
  OrderSaved,
  ProductGone,
  ProductSaved,
  StockCounted,
  StockGone,
  UserGone,
  UserSaved,
} from './monolith/messages.ts'
import { ItemAdded, OrderConfirmed, OrderCreated, OrderTakenOver, OrderWithdrawn } from './orders/events.ts'
import { ordersFollowing } from './orders/follow-monolith.ts'
import { readModels } from './orders/read-models.ts'
import { usersFollowing } from './users/follow-monolith.ts'
import { UserChanged, UserRemoved } from './users/messages.ts'

const id = '7'
const user = { id, email: 'ada@example.org', name: 'Ada' }
const item = { product_id: 'p-1', quantity: 2, price: '50.0' }
const taken = {
  ...{ customer_id: id, total_amount: '100.0', created_at: '2026-01-01T00:00:00.000000Z' },
  items: [{ ...item, item_id: 'i-1' }],
}
/** While it is moved. */
const monolith = service<unknown>('monolith', {
  publishes: [UserSaved, UserGone, ProductSaved, ProductGone, StockCounted, StockGone, OrderSaved, OrderGone],
})
// Of handlers, a contract asks what they take; they are never run here, and the pool connects to nothing.
const following = ordersFollowing(postgresStreams(new pg.Pool(), { service: 'orders' }))
const plainNames = Object.assign((name: string) => name, { suffix: '' })
const folding = readModels.flatMap(({ handlers }) =>
  handlers.filter(({ from }) => from === 'topics').map(({ handlerFor }) => handlerFor(plainNames)),
)

/** `estafet contracts check --module apps/orders/contracts.ts --against apps/orders/contracts` */
export default contracts([
  {
    service: monolith,
    examples: [
      UserSaved({ ...user, password_hash: null, address: null }),
      ...[UserGone({ id }), ProductGone({ id }), StockGone({ id }), OrderGone({ id })],
      ProductSaved({ id, name: 'Tea', description: null, price: '2.55' }),
      StockCounted({ id, quantity: 3 }),
      OrderSaved({ id, status: 'CREATED', ...taken }),
    ],
  },
  { service: usersFollowing, examples: [UserChanged(user), UserRemoved({ id })] },
  {
    service: catalogFollowing,
    examples: [ProductChanged({ id, name: 'Tea', price: '2.55' }), ProductRemoved({ id })],
  },
  inventoryFollowing,
  {
    service: { ...following, handlers: [...following.handlers, ...folding] },
    keeps: [OrderCreated, ItemAdded, OrderConfirmed, OrderTakenOver, OrderWithdrawn],
    examples: [
      OrderCreated({ customer_id: id, country: 'EIRE' }),
      ItemAdded(item),
      OrderConfirmed({ total_amount: '130.0' }),
      OrderTakenOver({ status: 'CREATED', ...taken }),
      OrderWithdrawn({}),
    ],
  },
])
