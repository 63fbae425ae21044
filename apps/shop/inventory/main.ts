import { runService } from '../system/service-process.ts'
import { inventory } from './inventory.ts'

await runService(inventory)
