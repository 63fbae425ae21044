import { rejected, type Service, service } from 'estafet'
import { on, type PostgresStreams, type Sql } from 'estafet/postgres'
import { OrderGone, OrderSaved } from '../monolith/messages.ts'
import { Order, type OrderCommand, Refused } from './order.ts'

/** Keeps orders as the monolith has them, in streams of events, as long as nobody changed them here. */
export function ordersFollowing(streams: PostgresStreams): Service<Sql> {
  const follow = async (id: string, command: OrderCommand, tx: Sql, correlationId: string): Promise<void> => {
    try {
      await streams.handle(Order, id, command, { tx, context: { correlationId } })
    } catch (error) {
      if (error instanceof Refused) throw rejected(error.message)
      throw error
    }
  }
  return service<Sql>('orders', {
    batchSize: 100,
    handlers: [
      on(OrderSaved, ({ data: { id, ...order }, correlationId }, { tx }) =>
        follow(id, { do: 'take over', order }, tx, correlationId),
      ),
      on(OrderGone, ({ data: { id }, correlationId }, { tx }) => follow(id, { do: 'withdraw' }, tx, correlationId)),
    ],
  })
}
