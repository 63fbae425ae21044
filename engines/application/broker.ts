import { setTimeout as sleep } from 'node:timers/promises'
import { howToGetKafka, kafkaInstallation } from '../kafka/installation.ts'
import { temporaryKafka } from '../kafka/server.ts'
import { findRedis, howToGetRedis } from '../redis/binaries.ts'
import { temporaryRedis } from '../redis/server.ts'
import type { BrokerAccess } from './broker-access.ts'

export type BrokerKind = BrokerAccess['kind']

/** The engine that was asked for is not on this machine. */
export class MissingEngine extends Error {}

/** The broker between the services, running. */
export interface Broker {
  readonly access: BrokerAccess
  /** Ends it at once, as a crash would, and starts it again with its data after a while. One that is down stays so. */
  crash(): Promise<void>
  stop(): Promise<void>
}

const downMs = 700

/** Starts a broker of our own. Throws MissingEngine, with how to get it. */
export async function startBroker(kind: BrokerKind): Promise<Broker> {
  if (kind === 'kafka') {
    if (kafkaInstallation() === null) throw new MissingEngine(`There is no Kafka here; get it by: ${howToGetKafka}.`)
    const server = await temporaryKafka()
    return crashing({ kind, bootstrap: server.bootstrap }, server)
  }
  if (findRedis() === null) throw new MissingEngine(`There is no Redis here; get it by: ${howToGetRedis}.`)
  const server = await temporaryRedis()
  return crashing({ kind, url: server.url }, server)
}

function crashing(
  access: BrokerAccess,
  server: { kill(): Promise<void>; restart(): Promise<void>; stop(): Promise<void> },
): Broker {
  let crash: Promise<void> | null = null
  return {
    access,
    crash() {
      crash ??= server
        .kill()
        .then(() => sleep(downMs))
        .then(() => server.restart())
        .finally(() => {
          crash = null
        })
      return crash
    },
    async stop() {
      await crash?.catch(() => {})
      await server.stop()
    },
  }
}
