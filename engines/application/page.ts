import { readFileSync } from 'node:fs'
import type { Env, Hono } from 'hono'

/** Serves index.html at /, and page.css and page.js beside it, from a folder. */
export function addPage<E extends Env>(app: Hono<E>, folder: URL): void {
  const files = { '/': ['index.html', 'html'], '/page.css': ['page.css', 'css'], '/page.js': ['page.js', 'javascript'] }
  for (const [path, [name = '', kind = '']] of Object.entries(files)) {
    const text = readFileSync(new URL(name, folder), 'utf8')
    app.get(path, (context) => context.body(text, 200, { 'content-type': `text/${kind}; charset=utf-8` }))
  }
}
