import { isEstafetError, type Logger, startRelay } from 'estafet'
import { type PostgresStore, postgres, postgresLog } from 'estafet/postgres'
import type pg from 'pg'
import { addressOf, connect, type DatabaseServer } from '../../../engines/application/database-server.ts'
import { UnusableSettings } from '../../../engines/application/settings.ts'
import { markingSink } from '../games/marking-sink.ts'
import { GameFinished } from '../messages.ts'
import { type Group, runGroup } from '../scoreboard/group.ts'
import { type Broker, openBroker } from './broker.ts'
import { migrateAll } from './databases.ts'
import { openServer } from './open-server.ts'
import type { Settings } from './settings.ts'

/** Everything that runs: the database server, the broker, the relay of `games`, and the groups of `scoreboard`. */
export interface System {
  readonly server: DatabaseServer
  readonly broker: Broker
  readonly games: { readonly pool: pg.Pool; readonly store: PostgresStore }
  readonly scoreboard: { readonly pool: pg.Pool }
  /** The consumer groups that run now. */
  groups(): readonly string[]
  /** Runs a consumer group. A new one reads the topic from the beginning; a known one goes on where it was. */
  startGroup(name: string): Promise<Group>
  /** True while the relay and all groups work. */
  isReady(): Promise<boolean>
  stop(): Promise<void>
}

/** Starts all of it, migrations first. */
export async function startSystem(settings: Settings, logger: Logger): Promise<System> {
  const closers: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  try {
    const server = await openServer(settings)
    closers.push(() => server.stop())
    await migrateAll(server)
    const broker = await openBroker(settings, server, logger)
    closers.push(() => broker.stop())
    await makeTopic(broker)
    const own = connect(addressOf(server, 'games', 'games'), logger)
    closers.push(() => own.end())
    const store = postgres(own)
    const relay = await startRelay({
      source: postgresLog(own, { source: 'games' }),
      sink: markingSink(broker.sink, own),
      ...{ store, logger, backOff: { firstMs: 50, maxMs: 2_000 } },
    })
    closers.push(() => relay.stop())
    const board = connect(addressOf(server, 'scoreboard', 'scoreboard'), logger)
    closers.push(() => board.end())
    const groups = new Map<string, Promise<Group>>()
    closers.push(() => Promise.all([...groups.values()].map(async (group) => (await group).stop())))

    const startGroup = (name: string): Promise<Group> => {
      const group = groups.get(name) ?? runGroup(name, board, broker.topic(name), logger)
      groups.set(name, group)
      // One that could not start may be started again.
      group.catch(() => groups.delete(name))
      return group
    }
    await startGroup('scoreboard')
    return {
      ...{ server, broker, games: { pool: own, store }, scoreboard: { pool: board }, startGroup, stop },
      groups: () => [...groups.keys()],
      isReady: async () => (await Promise.all([relay, ...groups.values()])).every((each) => each.health().ready),
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Else the first event would wait until consumers look again. A broker that is not there yet is left to the relay. */
async function makeTopic({ sink }: Broker): Promise<void> {
  try {
    await sink.partitions(GameFinished.topic)
  } catch (error) {
    if (isEstafetError(error, 'MISCONFIGURED')) throw new UnusableSettings(`${error.message} See KAFKA_REPLICAS.`)
    if (!isEstafetError(error, 'UNAVAILABLE')) throw error
  }
}
