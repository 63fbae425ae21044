import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { logger as makeLogger } from 'estafet'
import { addressOf } from './system/database-server.ts'
import { program } from './system/program.ts'
import { startSystem } from './system/system.ts'
import { webApp } from './web/app.ts'
import { serve } from './web/serve.ts'

const say = (text: string): void => void process.stderr.write(`${text}\n`)

/** Runs it all until Ctrl-C. */
await program(async (settings) => {
  const ended = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve)
  })
  const logger = makeLogger({ service: 'games' })
  say('Starting the database, the broker, the relay and the consumer ...')
  const system = await startSystem(settings, logger)
  try {
    const web = await serve(webApp(system, logger), settings.PORT)
    // For this user alone, because a password is in it: of a role that may insert rows and do nothing else.
    mkdirSync(settings.GAMES_HOME, { recursive: true, mode: 0o700 })
    const referee = join(settings.GAMES_HOME, 'referee-url')
    writeFileSync(referee, addressOf(system.server, 'games', 'referee'), { mode: 0o600 })
    say(`
  Database   ${system.server.says}
  Broker     ${system.broker.says}
  Page       ${web.url}

Finish a game there, or from anything that speaks SQL:

  psql "$(cat ${referee})" -c "INSERT INTO outbox_events (event_type, aggregate_type, aggregate_id, payload)
    VALUES ('game.finished', 'game', 'g-1', '{\\"game_id\\": \\"g-1\\", \\"chat_id\\": \\"c-1\\"}')"

Ctrl-C ends it.`)
    await ended
    await web.close()
    return 0
  } finally {
    await system.stop()
  }
})
