import { orderDetails } from './read-models/order-details.ts'
import { orderList } from './read-models/order-list.ts'
import { orderStatistics } from './read-models/order-statistics.ts'
import { sales } from './read-models/sales.ts'

/** What is made of the events, to be read. */
export const readModels = [orderList, orderStatistics, sales, orderDetails]
