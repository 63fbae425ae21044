import { type Check, checksOf } from '../check.ts'
import type { Call, Outcome } from '../command.ts'
import { withDatabase } from '../database.ts'
import { databaseChecks } from '../doctor-database.ts'
import { serviceChecks } from '../doctor-services.ts'
import { CommandFailure, usage } from '../failure.ts'
import { instances } from '../fleet.ts'
import { safeText } from '../safe-text.ts'

const oldestNode = [22, 18] as const

export async function doctor(call: Call): Promise<Outcome> {
  const { options, env } = call
  const hasDatabase = (env['ESTAFET_DATABASE_URL'] ?? '') !== ''
  if (options.has('database-only') && !hasDatabase) throw usage('--database-only needs ESTAFET_DATABASE_URL.')
  const checks = [
    nodeCheck(process.versions.node),
    ...(options.has('database-only') ? [] : await ofServices(call, hasDatabase)),
    ...(hasDatabase ? await ofDatabase(call) : []),
  ]
  const count = (state: Check['state']): number => checks.filter((check) => check.state === state).length
  const end = `${count('ok')} ok, ${count('warn')} warn, ${count('fail')} fail`
  return {
    data: { checks },
    text: [...checks.map(checkText), '', end].join('\n'),
    colour: (text) => text.replaceAll(/^(ok|warn|fail) {1,3}/gm, (head) => painted(call, head)),
    exit: count('fail') > 0 ? 'found' : 'ok',
    diagnostics: [],
  }
}

/** Node's version against the oldest one that the toolkit runs on. */
export function nodeCheck(version: string): Check {
  const { ok, fail } = checksOf(null)
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isEnough = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])
  if (isEnough) return ok('node', `Node ${version}`)
  return fail('node', `Node ${version} is too old`, `Install Node ${oldestNode.join('.')} or later, best the LTS.`)
}

async function ofServices(call: Call, hasDatabase: boolean): Promise<readonly Check[]> {
  try {
    return await serviceChecks(await instances(call), call)
  } catch (error) {
    // Whoever has named only a database wants that looked at.
    const isUnnamed = error instanceof CommandFailure && error.exit === 'usage' && hasDatabase && !isNamed(call)
    if (!isUnnamed) throw error
    return [
      checksOf(null).warn(
        'services',
        'none is named, so none was looked at',
        'Name them by --url, or look at the database only: --database-only',
      ),
    ]
  }
}

function isNamed({ options, env }: Call): boolean {
  return (
    ['url', 'connect', 'service'].some((name) => options.has(name)) || 'ESTAFET_URL' in env || 'ESTAFET_CONNECT' in env
  )
}

async function ofDatabase(call: Call): Promise<readonly Check[]> {
  try {
    return await withDatabase(call, databaseChecks)
  } catch (error) {
    if (!(error instanceof CommandFailure) || error.exit === 'usage') throw error
    const { message, hint } = error.diagnostic
    return [checksOf('database').fail('reachable', message, hint ?? '')]
  }
}

function painted({ terminal }: Call, head: string): string {
  return terminal.paint(head.startsWith('ok') ? 'green' : head.startsWith('warn') ? 'yellow' : 'red', head)
}

function checkText({ state, of, name, says, fix }: Check): string {
  const head = `${state.padEnd(4)}  ${safeText(of === null ? name : `${of}: ${name}`)}: ${safeText(says)}`
  return fix === null ? head : `${head}\n      fix: ${safeText(fix)}`
}
