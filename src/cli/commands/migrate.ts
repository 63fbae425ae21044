import { checkMigrations, migrate } from '../../drivers/postgres/migrate.ts'
import { isEstafetError } from '../../message/errors.ts'
import { columns } from '../columns.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { type Database, withDatabase } from '../database.ts'
import type { Diagnostic } from '../envelope.ts'
import { type MigrationState, migrationStates } from '../migrations.ts'
import { safeLines } from '../safe-text.ts'

export function status(call: Call): Promise<Outcome> {
  return withDatabase(call, async (database) => {
    const { states, later } = await migrationStates(database)
    const diagnostics = [...faultsOf(states, later), ...(await driftOf(database, states))]
    const data = {
      migrations: states.map((each) => ({ name: each.name, state: stateOf(each), appliedAt: each.appliedAt })),
      later,
      isCurrent: diagnostics.length === 0,
    }
    const text = columns(
      states,
      [
        { title: 'MIGRATION', of: ({ name }) => name },
        { title: 'STATE', of: stateOf },
        { title: 'APPLIED AT', of: ({ appliedAt }) => appliedAt },
      ],
      call.terminal.width,
    )
    return { data, text, exit: diagnostics.length === 0 ? 'ok' : 'found', diagnostics }
  })
}

export function plan(call: Call): Promise<Outcome> {
  return withDatabase(call, async (database) => {
    const { states } = await migrationStates(database)
    const missing = states.filter(({ appliedAt }) => appliedAt === null)
    const data = { migrations: missing.map(({ name, text }) => ({ name, sql: text })) }
    const parts = missing.map(({ name, text }) => `-- ${name}\nBEGIN;\n${text.trimEnd()}\nCOMMIT;\n`)
    const note = '-- To read only: estafet migrate up runs it and keeps the books on it.'
    return done(
      data,
      missing.length === 0 ? '-- Nothing is missing.' : safeLines([note, '', ...parts].join('\n').trimEnd()),
    )
  })
}

export function up(call: Call): Promise<Outcome> {
  const { options } = call
  return withDatabase(call, async (database) => {
    const { applied } = await migrate(database, {
      services: options.texts('service-role'),
      readers: options.texts('reader-role'),
      relays: options.texts('relay-role'),
      vaults: options.texts('vault-role'),
      erasers: options.texts('eraser-role'),
    })
    const text = applied.length === 0 ? 'Nothing was missing.' : applied.map((name) => `applied ${name}`).join('\n')
    return done({ applied }, text)
  })
}

function stateOf({ appliedAt, isChanged }: MigrationState): 'applied' | 'missing' | 'changed' {
  if (appliedAt === null) return 'missing'
  return isChanged ? 'changed' : 'applied'
}

function faultsOf(states: readonly MigrationState[], later: readonly string[]): readonly Diagnostic[] {
  const named = (of: readonly { readonly name: string }[]): string => of.map(({ name }) => name).join(', ')
  const missing = states.filter(({ appliedAt }) => appliedAt === null)
  const changed = states.filter(({ isChanged }) => isChanged)
  const faults: Diagnostic[] = []
  if (missing.length > 0) {
    const message = `Missing: ${named(missing)}.`
    faults.push({
      code: 'MISCONFIGURED',
      severity: 'error',
      message,
      hint: 'estafet migrate plan shows the SQL; estafet migrate up applies it.',
    })
  }
  if (changed.length > 0) {
    const message = `Applied, but not as this version has them: ${named(changed)}.`
    faults.push({
      code: 'SCHEMA_DRIFT',
      severity: 'error',
      message,
      hint: 'Install the version of estafet that applied them.',
    })
  }
  if (later.length > 0) {
    const message = `Applied by a later version than this: ${later.join(', ')}.`
    faults.push({ code: 'SCHEMA_DRIFT', severity: 'error', message, hint: 'npm install estafet@latest' })
  }
  return faults
}

/** What was changed in the schema beside the migrations. Can be told only where none is missing. */
async function driftOf(database: Database, states: readonly MigrationState[]): Promise<readonly Diagnostic[]> {
  if (states.some(({ appliedAt, isChanged }) => appliedAt === null || isChanged)) return []
  try {
    await checkMigrations(database)
    return []
  } catch (error) {
    if (!isEstafetError(error, 'SCHEMA_DRIFT')) throw error
    const hint = 'Undo these changes in the database, by hand: estafet migrate up does not touch what it did not make.'
    return [{ code: error.code, severity: 'error', message: error.message, hint }]
  }
}
