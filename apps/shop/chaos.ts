// Runs the shop once for each seed while services and the database server are killed, and checks every reconciliation.
//   npm run chaos            three seeds
//   npm run chaos -- 10      ten seeds;  -- 1 42  one seed, the 42nd;  further words go to npm start
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const [count = '3', first = '1', ...rest] = process.argv.slice(2)
const main = fileURLToPath(new URL('main.ts', import.meta.url))
let wrong = 0
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  const words = ['--conditions=estafet-source', main, '--kill', String(seed), ...rest]
  const { status, stdout } = spawnSync(process.execPath, words, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const last = stdout.trim().split('\n').at(-1)
  process.stdout.write(`seed ${seed}: exit code ${status}. ${last}\n`)
  if (status !== 0) wrong += 1
}
process.exitCode = wrong === 0 ? 0 : 1
