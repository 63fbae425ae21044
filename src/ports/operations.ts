import type { Audit } from './audit.ts'
import type { DeadLetterDecisions } from './dead-letter-decisions.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { FlowSearch } from './flow-search.ts'
import type { LogSearch } from './log-search.ts'
import type { Redrives } from './redrives.ts'
import type { Replays } from './replays.ts'
import type { SagaSearch } from './saga-search.ts'
import type { Sagas } from './sagas.ts'
import type { SubscriptionControl } from './subscription-control.ts'
import type { WriteProbe } from './write-probe.ts'

/** What the ops API asks of a service's own database. */
export interface Operations<Tx> {
  readonly deadLetters: DeadLetters
  readonly decisions: DeadLetterDecisions
  readonly redrives: Redrives
  readonly control: SubscriptionControl
  readonly replays: Replays
  readonly audit: Audit<Tx>
  readonly logSearch: LogSearch
  readonly probe: WriteProbe<Tx>
  readonly sagas: Sagas<Tx>
  readonly sagaSearch: SagaSearch
  readonly flowSearch: FlowSearch
}
