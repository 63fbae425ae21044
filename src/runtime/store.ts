import type { Inbox } from '../ports/inbox.ts'
import type { LaneStore } from '../ports/lane-store.ts'
import type { Operations } from '../ports/operations.ts'
import type { Prepare } from '../ports/outbox.ts'
import type { Parking } from '../ports/parking.ts'
import type { Retries } from '../ports/retries.ts'
import type { UnitOfWork } from '../ports/unit-of-work.ts'
import type { HoldingVault } from '../ports/vault.ts'
import type { Announcer } from '../ports/wake-up.ts'

/** A service's own database, as a driver's door makes it. */
export interface Store<Tx> {
  readonly unitOfWork: UnitOfWork<Tx>
  readonly lanes: LaneStore<Tx>
  readonly parking: Parking<Tx>
  readonly retries: Retries<Tx>
  /** Ids of messages from others; a driver may leave it out, and tells those by their place in the broker alone. */
  readonly inbox?: Inbox<Tx>
  /** What people can do about dead letters; a driver may leave it out. */
  readonly operations?: Operations<Tx>
  /** Encodes messages now, and returns what writes them; later when something in them is to be sealed. */
  readonly prepare: Prepare<Tx>
  /** Seals what is personal in messages, and opens it for handlers; a driver may leave it out. */
  readonly vault?: HoldingVault<Tx> | null
  /** Opens what tells other processes of this one's publishing. */
  readonly announcer: () => Announcer
}
