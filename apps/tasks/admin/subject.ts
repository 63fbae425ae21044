import type { Running } from 'estafet'
import type { PostgresStore } from 'estafet/postgres'

/** A service, as administrators see and steer it. */
export interface Subject {
  readonly name: string
  readonly running: Running
  readonly operations: Pick<PostgresStore['operations'], 'deadLetters' | 'decisions' | 'redrives'>
  /** Asks the service's ops API, in this process; `path` begins below its base. */
  ask(method: 'GET' | 'POST', path: string, body?: object): Promise<Answered>
  /** Of its relays, by the name of the sink: how many messages of its log are not out yet. Null: it cannot be told now. */
  unsent(): Promise<Readonly<Record<string, number | null>>>
}

export interface Answered {
  readonly status: number
  readonly body: unknown
}
