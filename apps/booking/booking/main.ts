import { runService } from '../system/service-process.ts'
import { bookingApi } from './api.ts'
import { bookingOn } from './booking.ts'

await runService('booking', ({ pool, store, logger }) => {
  const { booking, leading } = bookingOn(pool, store)
  return { service: booking, leading, routes: bookingApi({ store, leading }, logger) }
})
