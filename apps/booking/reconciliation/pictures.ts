import type { FoundDay } from './found.ts'
import type { Reconciliation } from './reconcile.ts'

const steps = ' ▁▂▃▄▅▆▇█'
const barWidth = 40

/** Trips by their state, as bars. */
export function tripsPicture({ trips, refusals }: Reconciliation): string {
  const most = Math.max(1, ...trips.map((each) => each.trips))
  const why = Object.entries(refusals).map(([reason, count]) => `${reason} ${count}`)
  const names = trips.map(({ form, state }) => `${state.toLowerCase()} (${form})`)
  const width = Math.max(0, ...names.map((name) => name.length))
  return trips
    .map(({ state, trips: count }, at) => {
      const bar = '█'.repeat(Math.max(1, Math.round((count / most) * barWidth)))
      const more = state === 'COMPENSATED' ? `  ${why.join(', ')}` : ''
      return `  ${names[at]?.padEnd(width)}  ${String(count).padStart(6)}  ${bar}${more}`
    })
    .join('\n')
}

/** How full a place was, week by week: the fullest day of each, as one character. */
export function fullnessPicture(days: readonly FoundDay[]): string {
  const places = [...new Set(days.map(({ place }) => place))]
  const weekOf = (day: string): number => Math.floor(Date.parse(day) / (7 * 86_400_000))
  const width = Math.max(0, ...places.map((place) => place.length))
  return places
    .map((place) => {
      const here = days.filter((day) => day.place === place)
      const weeks = new Map<number, number>()
      for (const { day, held, capacity } of here) {
        const share = capacity === 0 ? 0 : held / capacity
        weeks.set(weekOf(day), Math.max(weeks.get(weekOf(day)) ?? 0, share))
      }
      const first = Math.min(...weeks.keys())
      const line = Array.from({ length: Math.max(...weeks.keys()) - first + 1 }, (_, at) => {
        const share = weeks.get(first + at) ?? 0
        // Full is the last one alone, so that it is seen.
        return share >= 1 ? '█' : (steps[Math.ceil(share * (steps.length - 2))] ?? ' ')
      })
      const full = here.filter(({ held, capacity }) => held === capacity).length
      const [from, to] = [here[0]?.day, here.at(-1)?.day]
      return `  ${place.padEnd(width)}  ${line.join('')}  ${from} to ${to}, ${full} of ${here.length} days full of ${here[0]?.capacity}`
    })
    .join('\n')
}
