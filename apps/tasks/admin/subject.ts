import type { Running } from 'estafet'
import type { PostgresStore } from 'estafet/postgres'

/** A service, as its metrics are watched. */
export interface Watched {
  readonly name: string
  readonly running: Running
  deadLetters(): Promise<number>
  lag(): Promise<readonly TopicLag[]>
  /** Of its relays, by the name of the sink: how many messages of its log are not out yet. Null: it cannot be told now. */
  unsent(): Promise<Readonly<Record<string, number | null>>>
}

export interface TopicLag {
  readonly topic: string
  /** Messages not taken yet; null while the broker cannot be asked. */
  readonly messages: number | null
  /** Age of the oldest of them; null where that is not known. */
  readonly seconds: number | null
}

/** A service, as administrators see and steer it. */
export interface Subject extends Watched {
  readonly operations: Pick<PostgresStore['operations'], 'deadLetters' | 'decisions' | 'redrives'>
  /** Asks the service's ops API, in this process; `path` begins below its base. */
  ask(method: 'GET' | 'POST', path: string, body?: object): Promise<Answered>
}

export interface Answered {
  readonly status: number
  readonly body: unknown
}
