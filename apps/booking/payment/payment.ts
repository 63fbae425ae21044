import { refuse, service } from 'estafet'
import { answer, type Sql } from 'estafet/postgres'
import { paymentReacts } from '../choreography/payment.ts'
import { ChargeCard, PaymentCharged, PaymentRefunded, PaymentRefused, RefundCard, toBooking } from '../messages.ts'
import { charge, refundByTerms, refundWhole } from './ledger.ts'

/** Does what it is asked for, and reacts to what others do: a trip comes in one of the two ways. */
export const payment = service<Sql>('payment', {
  publishes: [
    ...[toBooking(ChargeCard.reply), toBooking(RefundCard.reply)],
    ...[PaymentCharged, PaymentRefused, PaymentRefunded],
  ],
  handlers: [
    ...answer(
      ChargeCard,
      async ({ data }, { tx }) => {
        const charged = await charge(tx, data)
        return charged === null ? refuse('card-declined') : { charged }
      },
      // The trip did not come about: the terms of its deposit do not matter.
      { undo: ({ data }, { tx }) => refundWhole(tx, data.tripId) },
    ),
    ...answer(RefundCard, ({ data: { cancelledOn, ...trip } }, { tx }) => refundByTerms(tx, trip, cancelledOn)),
    ...paymentReacts,
  ],
})
