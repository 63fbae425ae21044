import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { logger as makeLogger } from 'estafet'
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
  const logger = makeLogger({ service: 'orders' })
  say('Starting the database and the read models ...')
  const system = await startSystem(settings, logger)
  try {
    const web = await serve(webApp(system, logger), settings.PORT)
    const connect = join(settings.ORDERS_HOME, 'ops.json')
    const { token, url } = system.ops
    writeSecret(connect, JSON.stringify({ token, services: { orders: new URL(url).origin } }))
    say(`
  Database   ${system.server.says}
  API        ${web.url}openapi.json

An order, from nothing to confirmed:

  curl -s ${web.url}orders -H 'content-type: application/json' -d '{"country": "FR"}'
  curl -s ${web.url}orders/ID/items -H 'content-type: application/json' \\
    -d '{"product_id": "p-1", "quantity": 2, "price": "50.0"}'
  curl -s -X POST ${web.url}orders/ID/confirm
  curl -s ${web.url}orders/ID?version=1

The same order as it was, and why:  npx estafet streams blame order ID --path /status --connect ${connect}

Ctrl-C ends it.`)
    await ended
    await web.close()
    return 0
  } finally {
    await system.stop()
  }
})

/** For this user alone: a token is in it. */
function writeSecret(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  rmSync(path, { force: true })
  writeFileSync(path, text, { mode: 0o600 })
}
