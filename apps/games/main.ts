import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { logger as makeLogger } from 'estafet'
import { addressOf } from '../../engines/application/database-server.ts'
import { program } from '../../engines/application/program.ts'
import { serve } from '../../engines/application/serve.ts'
import { settingsOf } from './system/settings.ts'
import { startSystem } from './system/system.ts'
import { webApp } from './web/app.ts'

const say = (text: string): void => void process.stderr.write(`${text}\n`)

/** Runs it all until Ctrl-C. */
await program(async () => {
  const settings = settingsOf(process.env)
  const ended = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve)
  })
  const logger = makeLogger({ service: 'games' })
  say('Starting the database, the broker, the relay and the consumer ...')
  const system = await startSystem(settings, logger)
  try {
    const web = await serve(webApp(system, logger), settings.PORT)
    const referee = join(settings.GAMES_HOME, 'referee-url')
    writeSecret(referee, addressOf(system.server, 'games', 'referee'))
    const { ops } = await system.startGroup('scoreboard')
    const connect = join(settings.GAMES_HOME, 'ops.json')
    writeSecret(connect, JSON.stringify({ token: ops.token, services: { scoreboard: new URL(ops.url).origin } }))
    say(`
  Database   ${system.server.says}
  Broker     ${system.broker.says}
  Page       ${web.url}

Finish a game there, or from anything that speaks SQL:

  psql "$(cat ${referee})" -c "INSERT INTO outbox_events (event_type, aggregate_type, aggregate_id, payload)
    VALUES ('game.finished', 'game', 'g-1', '{\\"game_id\\": \\"g-1\\", \\"chat_id\\": \\"c-1\\"}')"

What failed, and putting it right:  npx estafet status --connect ${connect}

Ctrl-C ends it.`)
    await ended
    await web.close()
    return 0
  } finally {
    await system.stop()
  }
})

/** For this user alone: a token is in it, or the password of a role that may insert rows and do nothing else. */
function writeSecret(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  rmSync(path, { force: true })
  writeFileSync(path, text, { mode: 0o600 })
}
