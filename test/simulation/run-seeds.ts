// Runs the simulations that the arguments, as JSON, ask for, and prints a verdict a line; with `stopsAtRed`, up to the first
// that is wrong. A process of its own, because the test runner's tracking of promises makes them twenty times slower.
import { type SimulationOptions, simulate } from 'estafet/simulation'

interface Asked {
  readonly runs: readonly SimulationOptions[]
  readonly stopsAtRed: boolean
}

const { runs, stopsAtRed }: Asked = JSON.parse(process.argv[2] ?? '')
for (const options of runs) {
  const verdict = await simulate(options)
  process.stdout.write(`${JSON.stringify(verdict)}\n`)
  if (stopsAtRed && !verdict.isRight) break
}
