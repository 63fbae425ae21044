import { fields } from '../columns.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { confirm } from '../confirm.ts'
import { type Database, withDatabase } from '../database.ts'
import { CommandFailure } from '../failure.ts'

interface Epoch {
  readonly epoch: string
  readonly begunAt: string
  /** The highest position with a message; null while there is none. */
  readonly lastCommitted: string | null
  /** False after a restore or a failover: then readers refuse this log already. */
  readonly isOfThisServer: boolean
}

export function newEpoch(call: Call): Promise<Outcome> {
  return withDatabase(call, async (database) => {
    const current = await currentEpoch(database)
    const text = `${fields({
      epoch: current.epoch,
      'begun at': current.begunAt,
      'last position': current.lastCommitted,
      'of this server': current.isOfThisServer
        ? 'yes: nothing says that a new epoch is needed'
        : 'no: readers refuse it',
    })}\nA new epoch lets every subscriber stop until somebody has set its newEpochAt.`
    const refusal = await confirm(call, { data: current, text, question: 'Begin a new epoch' })
    if (refusal !== null) return refusal
    const { rows } = await database.query<{ epoch: string }>('SELECT estafet.new_epoch() AS epoch')
    const epoch = rows[0]?.epoch ?? ''
    return done({ epoch, ended: current.epoch }, `The epoch is now ${epoch}.`)
  })
}

async function currentEpoch(database: Database): Promise<Epoch> {
  const { rows } = await database.query<{ epoch: string; begun: string; last: string | null; is_server: boolean }>(
    `SELECT e.epoch, to_char(e.begun_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS begun,
      (SELECT max(position)::text FROM estafet.outbox) AS last, coalesce(h.is_server AND h.is_timeline, false) AS is_server
    FROM estafet.epoch AS e, estafet.outbox_head AS h`,
  )
  const [row] = rows
  if (row === undefined) {
    throw new CommandFailure('missing', 'NOT_FOUND', 'The database has no log.', 'estafet migrate up')
  }
  return { epoch: row.epoch, begunAt: row.begun, lastCommitted: row.last, isOfThisServer: row.is_server }
}
