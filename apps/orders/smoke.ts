// Goes through the life of an order and prints [OK] or [FAIL] for each; exit code 0 only if all are OK. On a new
// embedded PostgreSQL, unless POSTGRES_URL is set.
import { logger } from 'estafet'
import { program } from '../../engines/application/program.ts'
import { smoke } from '../../engines/application/smoke.ts'
import { steps } from './smoke/steps.ts'
import { settingsOf } from './system/settings.ts'

await program(async () => {
  const settings = settingsOf(process.env)
  return smoke('orders', (home) =>
    steps({ ...settings, ORDERS_HOME: home }, logger({ service: 'orders', level: 'error' })),
  )
})
