import { runService } from '../system/service-process.ts'
import { payment } from './payment.ts'

await runService('payment', () => ({ service: payment }))
