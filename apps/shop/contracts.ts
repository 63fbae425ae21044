import { contracts } from 'estafet/contracts'
import { inventory } from './inventory/inventory.ts'
import {
  OrderAdjusted,
  OrderPlaced,
  OrderReturned,
  PaymentCaptured,
  PaymentRefunded,
  StockMoved,
  StockWrittenOff,
} from './messages.ts'
import { notifications } from './notifications/notifications.ts'
import { orders } from './orders/orders.ts'
import { payments } from './payments/payments.ts'

const line = {
  stockCode: '85123A',
  description: 'WHITE HANGING HEART T-LIGHT HOLDER',
  quantity: 6,
  unitPrice: '2.55',
  invoicedAt: '2010-12-01T08:26:00Z',
}
const placed = { invoiceNo: '536365', customerId: '17850', country: 'United Kingdom', lines: [line], total: '15.3' }
const unnamed = { ...line, description: null, quantity: -6, unitPrice: '0' }
const lost = { ...placed, invoiceNo: '536414', customerId: null, lines: [unnamed], total: '0' }
const entry = { invoiceNo: '536365', country: 'United Kingdom', amount: '15.3' }

/** `estafet contracts check --module apps/shop/contracts.ts --against apps/shop/contracts` */
export default contracts([
  {
    service: orders,
    examples: [
      OrderPlaced(placed),
      OrderReturned({ ...placed, invoiceNo: 'C536379', lines: [{ ...line, quantity: -1 }], total: '-2.55' }),
      StockWrittenOff(lost),
      OrderAdjusted({ ...placed, invoiceNo: 'A563185', customerId: null }),
    ],
  },
  { service: inventory, examples: [StockMoved({ invoiceNo: '536365', lines: 1, units: -6 })] },
  { service: payments, examples: [PaymentCaptured(entry), PaymentRefunded({ ...entry, amount: '-2.55' })] },
  notifications,
])
