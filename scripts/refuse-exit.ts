// Loaded into the processes that run test files, by `--import`. A test that ended its process with code 0 would take the tests
// after it along, and its file would pass without them.
import { writeSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

const file = process.argv[1] ?? ''
// What tests start inherits the environment, and by `fork` the options, too: it is told by its file. The runner itself has no context.
if (isMainThread && process.env['NODE_TEST_CONTEXT'] !== undefined && file.endsWith('.test.ts')) {
  const exit = process.exit.bind(process)
  process.exit = (code) => {
    const [, , from = ''] = (new Error().stack ?? '').split('\n')
    // At once: what is only buffered would be lost with the process.
    writeSync(
      2,
      `process.exit(${code ?? ''}) in the test file ${file}: the tests after it did not run. Called${from.replace(/^\s+/, ' ')}\n`,
    )
    return exit(1)
  }
}
