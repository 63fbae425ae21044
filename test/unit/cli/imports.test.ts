import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forbiddenImports } from '../../architecture/rules.ts'

const found = (text: string, path = 'src/cli/a.ts'): number => forbiddenImports({ path, text }).length

test('the command line may load pg when it needs it, and nothing else, and nobody else may', () => {
  assert.equal(found("import { x } from './b.ts'\nconst { default: pg } = await import('pg')"), 0)
  assert.ok(found("import pg from 'pg'") > 0)
  assert.ok(found("import pg from 'pg'\nconst again = await import('pg')") > 0)
  assert.ok(found("import type { Client } from 'pg'") > 0)
  assert.ok(found("import {\n  Client,\n} from 'pg'") > 0)
  assert.ok(found("export { Client } from 'pg'") > 0)
  assert.ok(found("const { z } = await import('zod')") > 0)
  assert.ok(found("const pg = await import('pg')", 'src/runtime/a.ts') > 0)
})

test('the command line is a client: it imports no loop, no ops and no door', () => {
  assert.ok(found("import { start } from '../runtime/start.ts'") > 0)
  assert.ok(found("import { x } from '../index.ts'") > 0)
})
