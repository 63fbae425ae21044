import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { analyticsHolds } from './analytics.ts'
import { eventsHold } from './events.ts'
import { failuresHold } from './failures.ts'
import { type People, startTeam, type Team } from './team.ts'

export interface OnBroker {
  readonly skip: string | false
  /** Asked before the start. */
  readonly environment: () => Record<string, string>
  /** What is so on this broker alone. */
  readonly more?: readonly ((of: () => Team, people: () => People) => void)[]
}

/** Everything that must be so on each broker, on one system. */
export function allHold(on: string, { skip, environment, more = [] }: OnBroker): void {
  describe(`team tasks on ${on}`, { skip }, () => {
    let team: Team | null = null
    let people: People | null = null
    const of = (): Team => {
      assert.ok(team !== null)
      return team
    }
    const those = (): People => {
      assert.ok(people !== null)
      return people
    }
    before(async () => {
      team = await startTeam(environment())
      const [owner, worker, other] = await Promise.all([team.member(), team.member(), team.member()])
      people = { owner, worker, other }
    })
    after(() => team?.stop())
    for (const holds of [eventsHold, failuresHold, analyticsHolds, ...more]) holds(of, those)
  })
}
