import { EstafetError } from 'estafet'
import { type Form, forms } from '../booking/trips.ts'
import { idWithCard, tripOf } from '../smoke/steps.ts'
import { type DrawnTrip, drawn } from './drawn.ts'
import type { Scenario } from './scenarios.ts'
import type { FoundTrip, Services } from './services.ts'

/** The same trip, asked for in both forms. */
export interface Pair {
  readonly number: number
  readonly scenario: string
  readonly title: string
  readonly says: string
  readonly trips: readonly DrawnTrip[]
}

export interface Pairs {
  /** Asks for one more; resolves to its number. Rejects when booking does not take it. */
  begin(scenario: Scenario): Promise<number>
  /** The newest ones, the newest first, as they stand now. */
  seen(): Promise<readonly Pair[]>
}

interface Asked {
  readonly form: Form
  readonly tripId: string
  readonly scenario: Scenario
  hasEnded: boolean
  shown: DrawnTrip | null
}

const mostShown = 8
/** Before anybody's ids of an earlier start: they must not be taken. */
const begunAt = Date.now().toString(36)

export function pairsOn(services: Services): Pairs {
  const pairs: { readonly number: number; readonly scenario: Scenario; readonly asked: readonly Asked[] }[] = []
  let last = 0

  async function ask(form: Form, scenario: Scenario, number: number): Promise<Asked> {
    const tripId = idWithCard(`${begunAt}-${number}-${form.slice(0, 2)}`, scenario.card)
    const body = { ...tripOf(tripId, scenario.trip), form }
    const answer = await services.ask('/trips', body, tripId)
    await taken(answer)
    // As a part of the same request, so that it is drawn with it; it takes effect as soon as the trip is completed.
    if (scenario.isGivenUp === true) {
      await taken(await services.ask(`/trips/${tripId}/cancellation`, { on: body.arrival }, tripId))
    }
    return { form, tripId, scenario, hasEnded: false, shown: null }
  }

  async function look(asked: Asked): Promise<DrawnTrip | null> {
    if (asked.hasEnded) return asked.shown
    const { tripId, scenario } = asked
    const trip = await services.trip(tripId)
    const said = await services.said(tripId)
    asked.shown = drawn(trip, tripId, said, await services.why(trip, tripId))
    // What was said last, such as the end of a flow, is heard a moment after the trip is at its end.
    asked.hasEnded = isOver(trip, scenario) && Date.now() - Date.parse(trip.went.at(-1)?.at ?? '') > 3_000
    return asked.shown
  }

  return {
    async begin(scenario) {
      const number = ++last
      const asked = await Promise.all(forms.map((form) => ask(form, scenario, number)))
      if (scenario.kills !== undefined) services.kill(scenario.kills)
      pairs.unshift({ number, scenario, asked })
      pairs.splice(mostShown)
      return number
    },
    seen: () =>
      Promise.all(
        pairs.map(async ({ number, scenario, asked }) => {
          const { name, title, says } = scenario
          const trips = (await Promise.all(asked.map(look))).filter((trip) => trip !== null)
          return { number, scenario: name, title, says, trips }
        }),
      ),
  }
}

function isOver({ state, kept }: FoundTrip, { isGivenUp = false }: Scenario): boolean {
  if (state === 'COMPENSATED') return true
  return isGivenUp ? state === 'CANCELLED' && kept !== null : state === 'COMPLETED'
}

async function taken(answer: Response): Promise<void> {
  await answer.body?.cancel()
  if (!answer.ok) throw new EstafetError('UNAVAILABLE', `The booking service answered ${answer.status}.`)
}
