import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const node22 = join(
  root,
  '.estafet',
  'node-22',
  'node_modules',
  `node-${process.platform}-${process.arch}`,
  'bin',
  'node',
)
const home = mkdtempSync(join(tmpdir(), 'estafet-package-'))
let listing: readonly string[] = []
let server: PostgresServer

before(async () => {
  server = await temporaryPostgres()
  const packed = execFileSync('npm', ['pack', '--json', '--silent', '--pack-destination', home], {
    cwd: root,
    encoding: 'utf8',
  })
  const [made]: readonly { filename: string; files: readonly { path: string }[] }[] = JSON.parse(
    packed.slice(packed.indexOf('[\n')),
  )
  listing = (made?.files ?? []).map(({ path }) => path)
  mkdirSync(join(home, 'node_modules', 'estafet'), { recursive: true })
  execFileSync('tar', [
    '-xzf',
    join(home, made?.filename ?? ''),
    '--strip-components=1',
    '-C',
    join(home, 'node_modules', 'estafet'),
  ])
  // What a user installs beside it; from here, so that the test needs no network.
  for (const name of readdirSync(join(root, 'node_modules')).filter((each) =>
    /^(pg|zod|postgres-|split2|xtend|pgpass)/.test(each),
  )) {
    symlinkSync(join(root, 'node_modules', name), join(home, 'node_modules', name))
  }
  cpSync(join(root, 'test', 'docs', 'readme'), home, { recursive: true })
})

after(async () => {
  await server.stop()
  rmSync(home, { recursive: true, force: true })
})

test('the tarball holds the compiled doors, the types, the migrations and the licence, and nothing private', () => {
  for (const wanted of [
    'dist/index.js',
    'dist/index.d.ts',
    'dist/postgres.js',
    'dist/drivers/postgres/migrations/0001-log.sql',
    'LICENSE',
  ]) {
    assert.ok(listing.includes(wanted), wanted)
  }
  const foreign = listing.filter(
    (path) => !/^(dist|src)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path),
  )
  assert.deepEqual(foreign, [])
})

test('every door opens from the tarball, without any other package', () => {
  const program = `for (const door of ['', '/postgres', '/memory', '/contract', '/simulation', '/ops', '/redis', '/kafka', '/sqlite', '/supervisor']) {
    const names = Object.keys(await import('estafet' + door))
    if (names.length === 0) throw new Error(door)
  }`
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: home, encoding: 'utf8' })
  assert.equal(run.stderr, '')
  assert.equal(run.status, 0)
})

test('a program that uses the types from the tarball compiles, and a wrong one does not', () => {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const check = (text: string): number => {
    writeFileSync(join(home, 'program.ts'), text)
    const words = [
      compiler,
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--types',
      '',
      'program.ts',
    ]
    return spawnSync(process.execPath, words, { cwd: home }).status ?? 1
  }
  const head = `import { event } from 'estafet'\nimport { z } from 'zod'
    const E = event('a.b', { version: 1, schema: z.object({ id: z.string() }), key: (d) => d.id })\n`
  assert.equal(check(`${head}E({ id: 'x' })`), 0)
  assert.notEqual(check(`${head}E({ id: 7 })`), 0)
})

for (const node of nodes()) {
  test(`the program of the README publishes in one process and handles in another, on Node ${node.version}`, async () => {
    const admin = new pg.Client({ connectionString: server.adminUrl })
    await admin.connect()
    const database = `readme_${node.version.replaceAll(/\W/g, '_')}`
    await admin.query(`CREATE DATABASE ${database}`)
    await admin.end()
    const url = new URL(server.adminUrl)
    url.pathname = `/${database}`
    const env = { PATH: process.env['PATH'] ?? '', DATABASE_URL: url.href }
    const published = spawnSync(node.program, ['publish.mjs'], { cwd: home, env, encoding: 'utf8' })
    assert.equal(published.status, 0, published.stderr)
    const handler = spawn(node.program, ['handle.mjs'], { cwd: home, env, stdio: 'ignore' })
    const client = new pg.Client({ connectionString: url.href })
    await client.connect()
    try {
      const rows = await waitForRows(client)
      assert.deepEqual(rows, [{ order_id: 'A-1', total: '130.00' }])
    } finally {
      await client.end()
      handler.kill('SIGKILL')
    }
  })
}

test('Node 22 is here to be tested', { skip: existsSync(node22) ? false : 'get it by .ci/run' }, () => {
  assert.match(execFileSync(node22, ['--version'], { encoding: 'utf8' }), /^v22\./)
})

async function waitForRows(client: pg.Client): Promise<readonly unknown[]> {
  const deadline = performance.now() + 15_000
  for (;;) {
    const { rows } = await client.query('SELECT * FROM invoices').catch(() => ({ rows: [] }))
    if (rows.length > 0 || performance.now() > deadline) return rows
    await sleep(50)
  }
}

/** The Node that runs the tests, and Node 22 where it is found. */
function nodes(): readonly { program: string; version: string }[] {
  const found = existsSync(node22) ? [node22, process.execPath] : [process.execPath]
  return found.map((program) => ({
    program,
    version: execFileSync(program, ['--version'], { encoding: 'utf8' }).trim(),
  }))
}
