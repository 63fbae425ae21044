// Goes through the life of some trips and prints [OK] or [FAIL] for each step; exit code 0 only if all are OK. On a new embedded
// PostgreSQL.
import { logger } from 'estafet'
import { program } from '../../engines/application/program.ts'
import { smoke } from '../../engines/application/smoke.ts'
import { journey } from './smoke/steps.ts'

await program(() =>
  smoke('booking', (home) => journey(home, 'orchestrated', logger({ service: 'booking', level: 'error' }))),
)
