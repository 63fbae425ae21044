import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { logger as makeLogger } from 'estafet'
import { program } from '../../engines/application/program.ts'
import { serve } from '../../engines/application/serve.ts'
import { settingsOf } from './system/settings.ts'
import { type System, startSystem } from './system/system.ts'
import type { Api } from './web/api.ts'
import { problem } from './web/problem.ts'

const say = (text: string): void => void process.stderr.write(`${text}\n`)

/** Runs it all until Ctrl-C. */
await program(async () => {
  const settings = settingsOf(process.env)
  const ended = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve)
  })
  const logger = makeLogger({ service: 'team-tasks' })
  say('Starting the databases, the brokers and the services ...')
  let app: Api | null = null
  // Before there is an administrator, whose password is told once: a port that is taken must not swallow it.
  const web = await serve({ fetch: (request, on) => app?.fetch(request, on) ?? starting() }, settings.PORT)
  const system = await startSystem(settings, logger).catch(async (error: unknown) => {
    await web.close()
    throw error
  })
  try {
    app = system.app
    const connect = join(settings.TASKS_HOME, 'ops.json')
    writeSecret(connect, JSON.stringify({ token: system.opsToken, services: addressesOf(system) }))
    say(`
  Databases    ${system.server.says}
  Events       ${system.brokers.events.says}
  task_events  ${system.brokers.analytics.says}
  API          ${web.url}openapi.json
${shown(system.firstAdmin)}
What failed, and putting it right:  npx estafet status --connect ${connect}

Ctrl-C ends it.`)
    await ended
    await web.close()
    return 0
  } finally {
    await system.stop()
  }
})

function starting(): Response {
  return problem(503, 'It is starting; try again.')
}

/** The administrator's password is in no file: it is told here, once. */
function shown(first: { readonly email: string; readonly password: string | null } | null): string {
  if (first === null) return ''
  const password = first.password === null ? 'the password of ADMIN_PASSWORD' : `password ${first.password}`
  return `  Admin        ${first.email}, ${password} (made now; this is not shown again)\n`
}

/** Where the ops API of each service is. */
function addressesOf({ auth, tasks, notifications }: System) {
  const services = Object.entries({ auth, tasks, notifications })
  return Object.fromEntries(services.map(([name, { ops }]) => [name, new URL(ops.url).origin]))
}

/** For this user alone: tokens are in it. */
function writeSecret(path: string, text: string): void {
  rmSync(path, { force: true })
  writeFileSync(path, text, { mode: 0o600 })
}
