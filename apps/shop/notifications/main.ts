import { runService } from '../system/service-process.ts'
import { notifications } from './notifications.ts'

await runService(notifications)
