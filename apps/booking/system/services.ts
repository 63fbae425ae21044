export const serviceNames = ['booking', 'hotel', 'car', 'payment'] as const
export type ServiceName = (typeof serviceNames)[number]

/** Who reads whose messages: the only relations between the services. Booking follows each trip from its request on. */
export const subscribesTo: Readonly<Record<ServiceName, readonly ServiceName[]>> = {
  booking: ['booking', 'hotel', 'car', 'payment'],
  hotel: ['booking', 'car', 'payment'],
  car: ['booking', 'hotel', 'payment'],
  payment: ['booking', 'hotel', 'car'],
}
