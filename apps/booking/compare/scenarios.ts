import type { Trip } from '../messages.ts'
import type { ServiceName } from '../system/services.ts'

/** The hotel that has no rooms while forms are compared. */
export const soldOut = 'Resort Hotel'

/** What a trip meets on its way. */
export interface Scenario {
  readonly name: string
  readonly title: string
  readonly says: string
  readonly trip: Partial<Trip>
  readonly card: 'good' | 'declined'
  /** Given up as soon as it is completed. */
  readonly isGivenUp?: boolean
  /** Killed, kill -9, as soon as the trip is asked for. */
  readonly kills?: ServiceName
}

export const scenarios: readonly Scenario[] = [
  {
    ...{ name: 'good', title: 'Everything succeeds', says: 'Room and car are reserved, the card is charged.' },
    ...{ trip: {}, card: 'good' },
  },
  {
    ...{ name: 'walker', title: 'Without a car', says: 'Nobody asks for a car.' },
    ...{ trip: { wantsCar: false }, card: 'good' },
  },
  {
    ...{ name: 'full', title: 'No room', says: `${soldOut} has none: there is nothing to take back.` },
    ...{ trip: { hotel: soldOut }, card: 'good' },
  },
  {
    ...{
      name: 'poor',
      title: 'Card declined',
      says: 'Room and car were reserved: the car is given back, then the room.',
    },
    ...{ trip: {}, card: 'declined' },
  },
  {
    ...{
      name: 'gone',
      title: 'Given up',
      says: 'Cancelled as soon as it is completed, on the day of arrival: the first night is kept.',
    },
    ...{ trip: {}, card: 'good', isGivenUp: true },
  },
  {
    ...{
      name: 'crash',
      title: 'Payment is killed',
      says: 'kill -9 on the way: it comes back and goes on, nothing is charged twice.',
    },
    ...{ trip: {}, card: 'good', kills: 'payment' },
  },
]
