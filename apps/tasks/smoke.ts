// Goes through what happens to a task and prints [OK] or [FAIL] for each step; exit code 0 only if all are OK. On new
// embedded engines, unless the environment names others, and on the brokers that `npm start` would choose.
import { logger } from 'estafet'
import { program } from '../../engines/application/program.ts'
import { smoke } from '../../engines/application/smoke.ts'
import { steps } from './smoke/steps.ts'
import { settingsOf } from './system/settings.ts'

await program(async () => {
  const settings = settingsOf(process.env)
  return smoke('tasks', (home) =>
    steps({ ...settings, TASKS_HOME: home }, logger({ service: 'team-tasks', level: 'error' })),
  )
})
