import type { HandlerContext } from 'estafet'
import { on, type Sql } from 'estafet/postgres'
import {
  CarReserved,
  PaymentCharged,
  PaymentRefunded,
  PaymentRefused,
  RoomReserved,
  type Trip,
  TripCancelled,
} from '../messages.ts'
import { charge, refundByTerms } from '../payment/ledger.ts'

async function pay(trip: Trip, { tx, publish }: HandlerContext<Sql>): Promise<void> {
  const charged = await charge(tx, trip)
  publish(charged === null ? PaymentRefused({ ...trip, reason: 'card-declined' }) : PaymentCharged(trip))
}

/** Charges when everything is reserved, refunds when a guest gives a completed trip up. */
export const paymentReacts = [
  on(RoomReserved, async ({ data }, context) => {
    if (!data.wantsCar) await pay(data, context)
  }),
  on(CarReserved, ({ data }, context) => pay(data, context)),
  on(TripCancelled, async ({ data: { cancelledOn, ...trip } }, { tx, publish }) => {
    publish(PaymentRefunded({ ...trip, ...(await refundByTerms(tx, trip, cancelledOn)) }))
  }),
]
