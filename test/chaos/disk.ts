import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'

const size = '512m'
const variable = 'ESTAFET_CHAOS_DISK'

/** A small file system of this run's own, for a server whose disk is to become full. */
export interface Disk {
  readonly path: string
  /** Takes all room that is left. */
  fill(): Promise<void>
  free(): Promise<void>
}

/** The small disk that this process was started on; null when it was not. */
export function smallDisk(): Disk | null {
  const path = process.env[variable]
  if (path === undefined || path === '') return null
  const ballast = join(path, 'ballast')
  return {
    path,
    async fill() {
      const zeros = Buffer.alloc(1_048_576)
      const file = await open(ballast, 'a')
      try {
        for (;;) await file.write(zeros)
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
      } finally {
        await file.close()
      }
    },
    free: () => rm(ballast, { force: true }),
  }
}

/**
 * Runs this program again in a mount namespace of its own, with a small tmpfs in it, and resolves to its exit code. Needs
 * no rights and leaves nothing mounted. Null where it is there already, or where the machine gives no such namespace:
 * then a disk cannot become full without hurting others, and a line says so.
 */
export async function onSmallDisk(path: string): Promise<number | null> {
  if (process.env[variable] !== undefined) return null
  mkdirSync(path, { recursive: true })
  const namespace = ['--user', '--map-root-user', '--mount']
  const mount = `ulimit -c 0; mount -t tmpfs -o size=${size},mode=0755 estafet-chaos "$0"`
  const { status } = spawnSync('unshare', [...namespace, 'sh', '-c', mount, path], { stdio: 'ignore' })
  if (status !== 0) {
    process.stderr.write('disk full is left out: this machine gives no user and mount namespace\n')
    process.env[variable] = ''
    return null
  }
  const [, script = '', ...words] = process.argv
  const child = spawn(
    'unshare',
    [...namespace, 'sh', '-c', `${mount} && exec "$@"`, path, process.execPath, ...process.execArgv, script, ...words],
    { stdio: 'inherit', env: { ...process.env, [variable]: path } },
  )
  // Ctrl-C reaches both; this one waits for the other, which cleans up.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
}
