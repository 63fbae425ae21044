// A supervisor that says which process it runs, for a test that kills it.
import { supervise } from 'estafet/supervisor'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const supervisor = supervise({
  logger: silent,
  processes: [{ name: 'worker', module: new URL('worker.ts', import.meta.url) }],
})
await supervisor.ready()
process.stdout.write(`${supervisor.pids()['worker']}\n`)
