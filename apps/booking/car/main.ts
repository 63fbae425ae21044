import { runService } from '../system/service-process.ts'
import { car } from './car.ts'

await runService('car', () => ({ service: car }))
