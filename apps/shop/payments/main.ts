import { runService } from '../system/service-process.ts'
import { payments } from './payments.ts'

await runService(payments)
