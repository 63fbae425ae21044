import type { Operations } from '../../ports/operations.ts'
import { postgresAudit } from './audit.ts'
import { postgresDeadLetterDecisions } from './dead-letter-decisions.ts'
import { postgresDeadLetters } from './dead-letters.ts'
import { postgresFlowSearch } from './flow-search.ts'
import { postgresLogSearch } from './log-search.ts'
import { postgresRedrives } from './redrives.ts'
import { postgresReplays } from './replays.ts'
import { postgresSagaSearch } from './saga-search.ts'
import { postgresSagas } from './sagas.ts'
import type { Sql } from './sql.ts'
import { postgresSubscriptionControl } from './subscription-control.ts'
import { postgresWriteProbe } from './write-probe.ts'

/** What the ops API asks of a database. `sql` is a pool whose role is a member of the `subscriber` role. */
export function postgresOperations(sql: Sql): Operations<Sql> {
  return {
    deadLetters: postgresDeadLetters(sql),
    decisions: postgresDeadLetterDecisions(sql),
    redrives: postgresRedrives(sql),
    control: postgresSubscriptionControl(sql),
    replays: postgresReplays(sql),
    audit: postgresAudit(sql),
    logSearch: postgresLogSearch(sql),
    probe: postgresWriteProbe(),
    sagas: postgresSagas(),
    sagaSearch: postgresSagaSearch(sql),
    flowSearch: postgresFlowSearch(sql),
  }
}
