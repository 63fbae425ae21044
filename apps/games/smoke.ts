// Goes through every step of an event's life and prints [OK] or [FAIL] for each; exit code 0 only if all are OK. On a new
// embedded PostgreSQL, unless POSTGRES_URL is set, and on the broker that `npm start` would choose.
import { logger } from 'estafet'
import { program } from '../../engines/application/program.ts'
import { smoke } from '../../engines/application/smoke.ts'
import { steps } from './smoke/steps.ts'
import { settingsOf } from './system/settings.ts'

await program(async () => {
  const settings = settingsOf(process.env)
  return smoke('games', (home) =>
    steps({ ...settings, GAMES_HOME: home }, logger({ service: 'games', level: 'error' })),
  )
})
