// Runs every clause on every driver, and writes into docs/guarantees.md how many each held, and how it was set up:
//   node --conditions=estafet-source test/docs/where-tested.ts
// Nothing is written when a test fails, or when an engine is not here. A test of the stage docs tells when to run it again.
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { run } from 'node:test'
import { fileURLToPath } from 'node:url'
import { block, type ClauseTable, cellText, contractTables, ownTables, ownTitle, page } from './clause-tables.ts'

/** A clause that held, and where. */
interface Held {
  readonly driver: string
  readonly configuration: string
  readonly title: string
  readonly clause: string
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const files = globSync('test/contract/*.test.ts', { cwd: root, exclude: ['**/postgres-*', '**/contract-itself*'] })
const own = ['test/brokers/kafka.test.ts', 'test/brokers/redis.test.ts']

const { held, faults } = await runAll()
if (faults.length > 0) {
  console.error(`Nothing was written:\n${faults.join('\n')}`)
  process.exit(1)
}
const text = readFileSync(`${root}${page}`, 'utf8')
if (!block.test(text)) throw new Error(`${page} has no place for the table`)
writeFileSync(
  `${root}${page}`,
  text.replace(block, (_, begin: string, __, end: string) => `${begin}${table()}\n${end}`),
)
console.log(table())

async function runAll(): Promise<{ held: readonly Held[]; faults: readonly string[] }> {
  const held: Held[] = []
  const faults: string[] = []
  const open: string[] = []
  const events = run({
    files: [...files, ...own].map((path) => `${root}${path}`),
    execArgv: ['--conditions=estafet-source'],
    concurrency: 2,
    // What the tests prove about themselves takes long, and says nothing of a driver.
    testSkipPatterns: /every mutant is caught/,
  })
  events.on('test:start', ({ name, nesting }) => {
    open.length = nesting
    open.push(name)
  })
  events.on('test:fail', ({ name, nesting }) => faults.push(`failed: ${[...open.slice(0, nesting), name].join(' > ')}`))
  events.on('test:pass', ({ name, nesting, skip }) => {
    const path = [...open.slice(0, nesting), name]
    if (skip !== undefined && !/^every mutant/.test(name)) faults.push(`skipped: ${path.join(' > ')} (${String(skip)})`)
    const found = skip === undefined ? heldOf(path) : null
    if (found !== null) held.push(found)
  })
  for await (const _ of events) {
    // Until it has ended.
  }
  return { held, faults }
}

/** What a test that passed shows: its name ends with its clause, and says before it for which port and set up how. */
function heldOf(path: readonly string[]): Held | null {
  const suites = path.slice(0, -1)
  const name = path.at(-1) ?? ''
  const [driver = ''] = path.join(' ').split(/[ ,]/)
  if (ownTables[driver]?.includes(name) === true) {
    return { driver, configuration: wordsOf(suites, driver), title: ownTitle, clause: name }
  }
  for (const table of contractTables) {
    const clause = table.clauses.find((each) => name.endsWith(`: ${each}`))
    const head = name.slice(0, -`: ${clause ?? ''}`.length)
    // More than a port before it: the test says something about the clause, such as that it is refused.
    if (clause === undefined || head.includes(':') || !isPort(head, table)) continue
    return { driver, configuration: wordsOf([...suites, head], driver, table), title: table.title, clause }
  }
  return null
}

/** Tells words that name a table's port: by its first word, of which tests may write another form. */
function isPort(words: string, { title }: ClauseTable): boolean {
  return words.split(' ').some((word) => word.startsWith(title.slice(0, 4).trim()))
}

/** How a driver was set up: what is said beside its name and the port. */
function wordsOf(parts: readonly string[], driver: string, table?: ClauseTable): string {
  return parts
    .join(', ')
    .split(', ')
    .map((part) => (part.startsWith(driver) ? part.slice(driver.length).trim() : part))
    .filter((words) => words !== '' && words !== 'Streams' && (table === undefined || !isPort(words, table)))
    .join(', ')
}

function table(): string {
  const drivers = [...new Set(held.map(({ driver }) => driver))]
  const titles = [...contractTables.map(({ title }) => title), ownTitle]
  const lines = drivers.map((driver) => {
    const cells = titles.map((title) => cellOf(driver, title))
    return `| ${[driver, ...cells].join(' | ')} |`
  })
  const ways = drivers.flatMap((driver) => {
    const names = [...new Set(held.filter((each) => each.driver === driver).map(({ configuration }) => configuration))]
    const said = names.filter((name) => name !== '')
    return said.length === 0 ? [] : [`- ${driver}: ${said.join('; ')}`]
  })
  return [`| driver | ${titles.join(' | ')} |`, `|---${'|---'.repeat(titles.length)}|`, ...lines, '', ...ways].join(
    '\n',
  )
}

/** A clause counts when it held in every configuration. */
function cellOf(driver: string, title: string): string {
  const mine = held.filter((each) => each.driver === driver && each.title === title)
  if (mine.length === 0) return ''
  const configurations = new Set(mine.map(({ configuration }) => configuration)).size
  const clauses = contractTables.find((each) => each.title === title)?.clauses ?? ownTables[driver] ?? []
  const everywhere = clauses.filter((clause) => mine.filter((each) => each.clause === clause).length === configurations)
  return cellText({ held: everywhere.length, clauses: clauses.length, configurations })
}
