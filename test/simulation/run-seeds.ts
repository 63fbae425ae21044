// Runs the simulations that the arguments, as JSON, ask for, and prints a verdict a line. A process of its own, because
// the test runner's tracking of promises makes them twenty times slower.
import { type SimulationOptions, simulate } from 'estafet/simulation'

const asked: readonly SimulationOptions[] = JSON.parse(process.argv[2] ?? '[]')
for (const options of asked) process.stdout.write(`${JSON.stringify(await simulate(options))}\n`)
