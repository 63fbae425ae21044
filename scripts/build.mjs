// Builds dist from src: compiled modules with types, and the migrations, which are read at run time.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
rmSync(join(root, 'dist'), { recursive: true, force: true })
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
const built = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)
cpSync(join(root, 'src/drivers/postgres/migrations'), join(root, 'dist/drivers/postgres/migrations'), {
  recursive: true,
})
chmodSync(join(root, 'dist/cli/main.js'), 0o755)
