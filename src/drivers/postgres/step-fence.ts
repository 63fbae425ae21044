import type { FencedStep, StepFence } from '../../ports/step-fence.ts'
import { run } from './run.ts'
import type { Sql } from './sql.ts'

/** The steps of a service, in its own database. */
export function postgresStepFence(): StepFence<Sql> {
  return {
    async take(tx, step) {
      const [row] = await run<FencedStep>(tx, {
        name: 'estafet-step-take',
        // A row that is there is updated, because only then it is returned, and locked.
        text: `INSERT INTO estafet.step AS s (step, state) VALUES ($1, 'new')
          ON CONFLICT (step) DO UPDATE SET taken_at = clock_timestamp() RETURNING s.state, s.answer`,
        values: [step],
      })
      return row ?? { state: 'new', answer: null }
    },

    async settle(tx, step, state, answer) {
      await run(tx, {
        name: 'estafet-step-settle',
        text: 'UPDATE estafet.step SET state = $2, answer = $3 WHERE step = $1',
        values: [step, state, answer],
      })
    },

    async forget(tx, days) {
      await run(tx, {
        name: 'estafet-step-forget',
        text: `DELETE FROM estafet.step WHERE taken_at <= clock_timestamp() - $1::int * interval '1 day'`,
        values: [days],
      })
    },
  }
}
