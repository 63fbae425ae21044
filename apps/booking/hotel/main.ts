import { runService } from '../system/service-process.ts'
import { hotel } from './hotel.ts'

await runService('hotel', () => ({ service: hotel }))
