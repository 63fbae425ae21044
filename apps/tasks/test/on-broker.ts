import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { eventsHold } from './events.ts'
import { failuresHold } from './failures.ts'
import { type People, startTeam, type Team } from './team.ts'

/** Everything that must be so on each broker, on one system; `more` is of this broker alone. */
export function allHold(
  on: string,
  environment: Record<string, string>,
  { skip, more }: { readonly skip: string | false; readonly more?: (of: () => Team, people: () => People) => void },
): void {
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
      team = await startTeam(environment)
      const [owner, worker, other] = await Promise.all([team.member(), team.member(), team.member()])
      people = { owner, worker, other }
    })
    after(() => team?.stop())
    eventsHold(of, those)
    failuresHold(of, those)
    more?.(of, those)
  })
}
