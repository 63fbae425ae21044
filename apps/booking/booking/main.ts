import { runService } from '../system/service-process.ts'
import { bookingApi } from './api.ts'
import { booking } from './booking.ts'

await runService(booking, bookingApi)
