// Runs everything that this machine can run, stage by stage, and ends with the counts.
//   npm test                    all stages
//   npm test -- unit contract   these only
//   ESTAFET_ENGINES=required    a missing engine is a failure
import { spawn, spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { howToGetKafka, kafkaInstallation } from '../engines/kafka/installation.ts'
import { allPostgres } from '../engines/postgres/binaries.ts'
import { findRedis, howToGetRedis } from '../engines/redis/binaries.ts'

interface Outcome {
  readonly stage: string
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly seconds: number
  /** What the stage said of its failures, to be said again at the end. */
  readonly failures?: string
}

/** A test that hangs fails with its name; each ends in well under a minute on a quiet machine. */
const testTimeoutMs = 5 * 60_000
/** What hangs beside any test, a hook or what a test left running, must not hold up the stages after it. */
const stageTimeoutMs = 25 * 60_000
const silenceTimeoutMs = 8 * 60_000

const root = fileURLToPath(new URL('..', import.meta.url))
/** Tests start hundreds of programs of the same text: each would strip and compile it again. */
const compileCache = fileURLToPath(new URL('../.estafet/compile-cache', import.meta.url))
const exitRefusal = new URL('refuse-exit.ts', import.meta.url).href
const biome = ['node_modules/.bin/biome']

/** One command, which counts as one test. */
const commands: Readonly<Record<string, readonly string[]>> = {
  format: [...biome, 'format', '.'],
  lint: [...biome, 'lint', '--error-on-warnings', '.'],
  types: ['node_modules/.bin/tsc', '-p', '.'],
}

/** Test files of node's runner. */
const suites: Readonly<Record<string, string>> = {
  architecture: 'test/architecture.test.ts',
  unit: 'test/unit/**/*.test.ts',
  property: 'test/property/**/*.test.ts',
  simulation: 'test/simulation/**/*.test.ts',
  contract: 'test/contract/**/*.test.ts',
  brokers: 'test/brokers/**/*.test.ts',
  failures: 'test/failures/**/*.test.ts',
  'event-sourcing': 'test/event-sourcing/**/*.test.ts',
  saga: 'test/saga/**/*.test.ts',
  engines: 'test/engines/**/*.test.ts',
  stress: 'test/stress/**/*.test.ts',
  crash: 'test/crash/**/*.test.ts',
  chaos: 'test/chaos/**/*.test.ts',
  cli: 'test/cli/**/*.test.ts',
  docs: 'test/docs/**/*.test.ts',
  package: 'test/package/**/*.test.ts',
  apps: 'apps/*/test/**/*.test.ts',
}

const stages = [...Object.keys(commands), ...Object.keys(suites)]
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !stages.includes(name))
if (unknown.length > 0) {
  console.error(`There is no stage ${unknown.join(', ')}. The stages are: ${stages.join(' ')}`)
  process.exit(2)
}

const outcomes: Outcome[] = []
const engines = findEngines()
for (const stage of wanted.length > 0 ? stages.filter((name) => wanted.includes(name)) : stages) {
  console.log(`\n── ${stage} ${'─'.repeat(70 - stage.length)}`)
  const command = commands[stage]
  outcomes.push(command === undefined ? await runSuite(stage, suites[stage] ?? '') : runCommand(stage, command))
}
if (wanted.length === 0 || engines.failed > 0) outcomes.push(engines)
end()

function runCommand(stage: string, [program = '', ...words]: readonly string[]): Outcome {
  const begun = performance.now()
  const { status } = spawnSync(program, words, { cwd: root, stdio: 'inherit' })
  return { stage, passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0, seconds: since(begun) }
}

async function runSuite(stage: string, pattern: string): Promise<Outcome> {
  const begun = performance.now()
  const files = globSync(pattern, { cwd: root })
  // A pattern that matches nothing would pass silently, and hide a suite that was moved.
  if (files.length === 0) {
    console.error(`No test file matches ${pattern}.`)
    return { stage, passed: 0, failed: 1, skipped: 0, seconds: 0 }
  }
  const { status, stdout } = await runFiles(stage, files)
  // The last one: a test may itself have printed such a line.
  const count = (name: string): number =>
    Number([...stdout.matchAll(new RegExp(`^ℹ ${name} (\\d+)$`, 'gm'))].at(-1)?.[1] ?? 0)
  const failed = count('fail') + count('cancelled')
  const passed = count('pass')
  const isBroken = failed === 0 && (status !== 0 || passed === 0)
  return {
    stage,
    passed,
    failed: isBroken ? 1 : failed,
    skipped: count('skipped') + count('todo'),
    seconds: since(begun),
    failures: failed === 0 ? '' : stdout.slice(Math.max(0, stdout.lastIndexOf('✖ failing tests:'))).slice(0, 20_000),
  }
}

function runFiles(stage: string, files: readonly string[]): Promise<{ status: number | null; stdout: string }> {
  const conditions = ['--conditions=estafet-source', '--import', exitRefusal]
  const settings = ['--test-concurrency=2', '--test-reporter=spec', `--test-timeout=${testTimeoutMs}`]
  const child = spawn(process.execPath, [...conditions, '--test', ...settings, ...files], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { NODE_COMPILE_CACHE: compileCache, ...process.env },
  })
  let stdout = ''
  const end = (why: string): void => {
    console.error(`The stage ${stage} was ended: ${why}.`)
    child.kill('SIGTERM')
  }
  const ofStage = setTimeout(() => end(`it took longer than ${stageTimeoutMs / 60_000} minutes`), stageTimeoutMs)
  const saysNothing = (): void => end(`it said nothing for ${silenceTimeoutMs / 60_000} minutes`)
  let ofSilence = setTimeout(saysNothing, silenceTimeoutMs)
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    process.stdout.write(text)
    clearTimeout(ofSilence)
    ofSilence = setTimeout(saysNothing, silenceTimeoutMs)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => {
      clearTimeout(ofStage)
      clearTimeout(ofSilence)
      resolve({ status, stdout })
    })
  })
}

function findEngines(): Outcome {
  const found = allPostgres()
  const isRequired = process.env['ESTAFET_ENGINES'] === 'required'
  const wantedEngines = [
    {
      name: 'PostgreSQL 18, embedded',
      isFound: found.some(({ name }) => name.includes('embedded')),
      get: 'npm ci on Linux or macOS, x64 or arm64',
    },
    {
      name: 'PostgreSQL 15 or later, of the system',
      isFound: found.some(({ name }) => name.includes('system')),
      get: 'apt-get install postgresql',
    },
    { name: 'Redis 7 or later', isFound: findRedis() !== null, get: howToGetRedis },
    { name: 'Kafka 4.1', isFound: kafkaInstallation() !== null, get: howToGetKafka },
  ]
  for (const { name, isFound, get } of wantedEngines) {
    console.log(
      isFound ? `engine found: ${name}` : `engine NOT found, its tests do not run: ${name} (get it by: ${get})`,
    )
  }
  const missing = wantedEngines.filter(({ isFound }) => !isFound).length
  return {
    stage: 'found',
    passed: wantedEngines.length - missing,
    failed: isRequired ? missing : 0,
    skipped: isRequired ? 0 : missing,
    seconds: 0,
  }
}

function end(): void {
  for (const { stage, failures = '' } of outcomes) {
    if (failures !== '') console.log(`\nThe stage ${stage} failed:\n${failures}`)
  }
  console.log('\nstage          passed  failed  skipped  seconds')
  for (const { stage, passed, failed, skipped, seconds } of outcomes) {
    const cells = [
      String(passed).padStart(8),
      String(failed).padStart(8),
      String(skipped).padStart(9),
      seconds.toFixed(1).padStart(9),
    ]
    console.log(`${stage.padEnd(13)}${cells.join('')}`)
  }
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + of(outcome), 0)
  const failed = sum((outcome) => outcome.failed)
  console.log(
    `\n${sum((outcome) => outcome.passed)} passed, ${failed} failed, ${sum((outcome) => outcome.skipped)} skipped`,
  )
  process.exitCode = failed === 0 ? 0 : 1
}

function since(begun: number): number {
  return (performance.now() - begun) / 1000
}
