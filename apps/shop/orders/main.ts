import { runService } from '../system/service-process.ts'
import { ordersApi } from './api.ts'
import { orders } from './orders.ts'

await runService(orders, ordersApi)
