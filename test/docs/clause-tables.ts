import * as contract from 'estafet/contract'
import { kafkaClauses } from '../brokers/kafka-clauses.ts'
import { redisClauses } from '../brokers/redis-clauses.ts'

/** A port's promises, or those that one driver makes beside them. */
export interface ClauseTable {
  /** As the page's column says it. */
  readonly title: string
  readonly clauses: readonly string[]
}

const door = { ...contract }

type ContractTable = Extract<keyof typeof door, `${string}Clauses`>

/** Every table of clauses of the contract, by what its function is called. The door has other functions beside them. */
export const contractTables: readonly ClauseTable[] = Object.keys(door)
  .filter((name): name is ContractTable => name.endsWith('Clauses'))
  .map((name) => ({ title: titleOf(name), clauses: door[name]().map(({ says }) => says) }))

/** What a driver promises beyond the contract, by its name. */
export const ownTables: Readonly<Record<string, readonly string[]>> = {
  Kafka: kafkaClauses.map(({ says }) => says),
  Redis: redisClauses.map(({ says }) => says),
}
export const ownTitle = 'of its own'

/** The page, and between which lines of it the table stands. */
export const page = 'docs/guarantees.md'
export const block =
  /(<!-- written by test\/docs\/where-tested\.ts from a run of the tests -->\n)([\s\S]*?)(<!-- end -->)/

/** What a cell says: clauses held, clauses that there are, configurations of the driver. */
export interface Cell {
  readonly held: number
  readonly clauses: number
  readonly configurations: number
}

export function cellText({ held, clauses, configurations }: Cell): string {
  return `${held === clauses ? '' : `${held} of `}${clauses} × ${configurations}`
}

/** Null for an empty cell. Throws for one that says anything else. */
export function readCell(text: string): Cell | null {
  if (text === '') return null
  const [, held, clauses, configurations] = /^(?:(\d+) of )?(\d+) × (\d+)$/.exec(text) ?? []
  if (clauses === undefined) throw new Error(`the cell ${JSON.stringify(text)} cannot be read`)
  return { held: Number(held ?? clauses), clauses: Number(clauses), configurations: Number(configurations) }
}

function titleOf(name: string): string {
  return name.slice(0, -'Clauses'.length).replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
