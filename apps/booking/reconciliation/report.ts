import type { Found } from './found.ts'
import { fullnessPicture, tripsPicture } from './pictures.ts'
import type { Reconciliation } from './reconcile.ts'

/** A reconciliation for people; its last line says whether all is equal. */
export function report(found: Found, of: Reconciliation): string {
  const { money } = of
  const row = (says: string, amount: string): string => `  ${says.padEnd(34)}${amount.padStart(14)}`
  return [
    'Trips',
    tripsPicture(of),
    '',
    'The fullest day of each week, as it was left',
    fullnessPicture([...found.nights, ...found.carDays]),
    '',
    'Money',
    row('charged', money.charged),
    row('refunded', money.refunded),
    row('price of completed trips', money.completed),
    row('kept of cancelled trips', money.kept),
    row('in between', money.between),
    '',
    ...of.checks.flatMap(({ says, wrong, such }) => [
      `${wrong === 0 ? 'yes' : `NO (${wrong})`}  ${says}`,
      ...(such.length === 0 ? [] : [`       ${such.join('; ')}`]),
    ]),
    '',
    of.isEqual
      ? `Reconciled: ${found.trips.size} trips, all at their end; nothing sold twice, and no money in between.`
      : 'NOT reconciled: see what says NO above.',
  ].join('\n')
}
