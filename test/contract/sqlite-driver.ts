import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { InboxDriver, LaneDriver, OpenTransaction, ParkingDriver, UnitOfWorkDriver } from 'estafet/contract'
import { migrate, type SqliteTransaction } from 'estafet/sqlite'
import { openConnection } from '../../src/drivers/sqlite/connection.ts'
import { sqliteInbox } from '../../src/drivers/sqlite/inbox.ts'
import { sqliteLaneStore } from '../../src/drivers/sqlite/lane-store.ts'
import { sqliteParking } from '../../src/drivers/sqlite/parking.ts'
import { sqliteRetries } from '../../src/drivers/sqlite/retries.ts'
import { sqliteUnitOfWork } from '../../src/drivers/sqlite/unit-of-work.ts'

export interface SqliteDriverOptions {
  readonly patienceMs?: number
  readonly idleMs?: number
}

export type SqliteDriver = UnitOfWorkDriver<SqliteTransaction> &
  LaneDriver<SqliteTransaction> &
  ParkingDriver<SqliteTransaction> &
  InboxDriver<SqliteTransaction>

/** A folder in which each clause gets a file of its own. */
export interface SqliteContract {
  /** A path of a file that does not exist yet. */
  path(): string
  /** The path of a file with the toolkit's tables and a place for effects. */
  file(): Promise<string>
  driver(options?: SqliteDriverOptions): Promise<SqliteDriver>
  stop(): Promise<void>
}

export function sqliteContract(): SqliteContract {
  const home = mkdtempSync(join(tmpdir(), 'estafet-sqlite-'))
  const ends: (() => Promise<void>)[] = []
  let files = 0
  const path = (): string => join(home, `${files++}.db`)
  const file = async (): Promise<string> => {
    const made = path()
    await migrate(made)
    const database = new DatabaseSync(made)
    // Without a unique constraint: an effect that happened twice must show.
    database.exec('CREATE TABLE effect (place INTEGER PRIMARY KEY AUTOINCREMENT, says TEXT) STRICT')
    database.close()
    return made
  }
  return {
    path,
    file,
    async driver({ patienceMs = 10_000, idleMs } = {}) {
      const place = await file()
      const connection = openConnection(place, patienceMs)
      const unitOfWork = sqliteUnitOfWork(connection, idleMs)
      const others = new DatabaseSync(place)
      ends.push(async () => {
        await connection.close()
        others.close()
      })
      return {
        unitOfWork,
        lanes: sqliteLaneStore(connection, unitOfWork),
        parking: sqliteParking(connection),
        retries: sqliteRetries(connection, unitOfWork),
        inbox: sqliteInbox(unitOfWork),
        begin: () => begin(unitOfWork),
        note: async (tx, effect) => void tx.run('INSERT INTO effect (says) VALUES (?)', effect),
        notes: async () =>
          others
            .prepare('SELECT says FROM effect ORDER BY place')
            .all()
            .map(({ says }) => String(says)),
        fail: async (tx) => void tx.run('INSERT INTO missing (says) VALUES (1)'),
        cut: async () => connection.writer().close(),
        lapse: (ms) => sleep(ms + 20),
        moment: () => sleep(50),
        pause: async (subscription) => {
          const text = `INSERT INTO estafet_paused_subscription (subscription, paused_by) VALUES (?, 'me')`
          others.prepare(text).run(subscription)
        },
      }
    },
    async stop() {
      for (const end of ends) await end()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** A transaction that stays open until its user ends it. */
async function begin({ run }: Pick<SqliteDriver['unitOfWork'], 'run'>): Promise<OpenTransaction<SqliteTransaction>> {
  const [begun, ending] = [Promise.withResolvers<SqliteTransaction>(), Promise.withResolvers<void>()]
  const running = run((tx) => {
    begun.resolve(tx)
    return ending.promise
  })
  running.catch(begun.reject)
  return {
    tx: await begun.promise,
    undone: () => Promise.reject(new Error('a SQLite transaction has no savepoints')),
    async commit() {
      ending.resolve()
      await running
    },
    async rollback() {
      ending.reject(new Error('on purpose'))
      await running.catch(() => {})
    },
  }
}
