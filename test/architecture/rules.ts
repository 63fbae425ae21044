/** What a folder of src may import from: other folders, Node's modules, other people's packages. */
export interface FolderRule {
  readonly folders: readonly string[]
  readonly node: boolean
  /** Packages that may be imported by `await import` only: whoever does without them must not need them installed. */
  readonly lazily?: readonly string[]
}

/** The import table of the toolkit. A folder may always import itself. */
export const importTable: Readonly<Record<string, FolderRule>> = {
  message: { folders: [], node: false },
  ports: { folders: ['message'], node: false },
  delivery: { folders: ['message', 'ports'], node: false },
  personal: { folders: ['message', 'ports'], node: false },
  outbox: { folders: ['message', 'ports', 'delivery', 'personal'], node: false },
  inbox: { folders: ['message', 'ports', 'delivery', 'personal'], node: false },
  'event-sourcing': { folders: ['message', 'ports', 'personal'], node: false },
  saga: { folders: ['message', 'ports', 'delivery'], node: false },
  // Its step is the inbox's: a projection is a subscription whose effects are rows that are made to be read.
  projection: { folders: ['message', 'ports', 'delivery', 'inbox'], node: false },
  wire: { folders: ['message', 'ports'], node: false },
  telemetry: { folders: ['message'], node: true },
  'drivers/memory': { folders: ['message', 'ports'], node: false },
  'drivers/postgres': { folders: ['message', 'ports', 'telemetry'], node: true },
  'drivers/kafka': { folders: ['message', 'ports', 'wire'], node: true },
  'drivers/redis': { folders: ['message', 'ports', 'wire'], node: true },
  'drivers/sqlite': { folders: ['message', 'ports'], node: true },
  contract: { folders: ['message', 'ports'], node: false },
  contracts: { folders: ['message'], node: false },
  // The loops that run in production run in the simulation, as they are.
  simulation: {
    folders: ['message', 'ports', 'delivery', 'outbox', 'inbox', 'saga', 'drivers/memory', 'runtime'],
    node: false,
  },
  runtime: {
    folders: ['message', 'ports', 'delivery', 'outbox', 'inbox', 'projection', 'saga', 'telemetry'],
    node: true,
  },
  ops: {
    folders: ['message', 'ports', 'delivery', 'outbox', 'inbox', 'event-sourcing', 'projection', 'saga', 'runtime'],
    node: true,
  },
  // A client of the ops API; beside it, only what migrates a database, checks contracts and copies streams.
  cli: { folders: ['message', 'contracts', 'event-sourcing', 'drivers/postgres'], node: true, lazily: ['pg'] },
}

/** Where the relative imports of a part of the repository may lead, beside itself. */
export const reachTable: Readonly<Record<string, readonly string[]>> = {
  src: [],
  engines: [],
  scripts: ['engines'],
  bench: ['engines'],
  apps: ['engines'],
}

/** Names under which design stops. */
export const forbiddenNames = ['utils', 'helpers', 'common', 'types', 'manager', 'misc', 'shared']

export interface SourceFile {
  /** Relative to the repository. */
  readonly path: string
  readonly text: string
}

/** Specifiers that a file imports or re-exports, types included. */
export function importsOf({ text }: SourceFile): readonly string[] {
  const pattern = /^(?:import|export)\s(?:[^'";]*?\sfrom\s+)?'([^']+)'|import\('([^']+)'\)/gm
  return [...text.matchAll(pattern)].map(([, named, dynamic]) => named ?? dynamic ?? '')
}

/** The folder of the table that a file of src is in; null for a door, which is a file of src itself. */
export function folderOf(path: string): string | null {
  const inner = path.replace(/^src\//, '')
  if (!inner.includes('/')) return null
  return (
    Object.keys(importTable).find((folder) => inner.startsWith(`${folder}/`)) ?? inner.split('/').slice(0, -1).join('/')
  )
}

/** What a file of src imports against the table. */
export function forbiddenImports(file: SourceFile): readonly string[] {
  const folder = folderOf(file.path)
  const rule = folder === null ? null : importTable[folder]
  if (rule === undefined) return [`${file.path} is in a folder that the import table does not know`]
  return importsOf(file).flatMap((specifier) => {
    if (specifier.startsWith('node:'))
      return rule?.node === true || rule === null ? [] : [`${file.path} imports ${specifier}`]
    if (!specifier.startsWith('.')) {
      const isLazy = rule?.lazily?.includes(specifier) === true && !isStatic(file, specifier)
      return isLazy ? [] : [`${file.path} imports the package ${specifier}`]
    }
    const target = folderOf(resolve(file.path, specifier))
    if (rule === null || target === folder) return []
    if (target === null) return [`${file.path} imports the door ${specifier}`]
    return rule.folders.includes(target) ? [] : [`${file.path} imports ${target}`]
  })
}

/** True when a file cannot be loaded without a package, types included: those reach the published declarations. */
function isStatic({ text }: SourceFile, specifier: string): boolean {
  return new RegExp(`^(?:import|export)\\s(?:[^'";]*?\\sfrom\\s+)?'${specifier}'`, 'm').test(text)
}

/** The drivers that a door opens without bearing their name: who imports `.` must not get a database with it. */
export function driversBehind(door: SourceFile): readonly string[] {
  const name = door.path.replace(/^src\/|\.ts$/g, '')
  return importsOf(door).flatMap((specifier) => {
    const driver = /^src\/drivers\/([^/]+)/.exec(resolve(door.path, specifier))?.[1]
    return driver === undefined || driver === name ? [] : [`${door.path} imports the driver ${driver}`]
  })
}

/** Relative imports that leave a part of the repository for one that it may not know; two applications are two parts. */
export function strayImports(file: SourceFile): readonly string[] {
  const [part = '', inner = ''] = file.path.split('/')
  const home = part === 'apps' ? `apps/${inner}/` : `${part}/`
  const reach = [home, ...(reachTable[part] ?? []).map((name) => `${name}/`)]
  return importsOf(file)
    .filter((specifier) => specifier.startsWith('.'))
    .filter((specifier) => !reach.some((start) => resolve(file.path, specifier).startsWith(start)))
    .map((specifier) => `${file.path} imports ${specifier}`)
}

/** The import cycles of a tree, each as its files; type imports count. */
export function cycles(files: readonly SourceFile[]): readonly (readonly string[])[] {
  const known = new Map(files.map((file) => [file.path, file]))
  const done = new Set<string>()
  const found: string[][] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at >= 0) found.push([...trail.slice(at), path])
    const file = known.get(path)
    if (at >= 0 || done.has(path) || file === undefined) return
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith('.')) visit(resolve(path, specifier), [...trail, path])
    }
    done.add(path)
  }
  for (const { path } of files) visit(path, [])
  return found
}

/** Where types are loosened: any, double casts, ignored errors. */
export function loosened({ path, text }: SourceFile): readonly string[] {
  const pattern =
    /(:\s*any\b(?!\s\w)|\bas any\b(?!\s\w)|<any>|\bas unknown as\b|@ts-ignore|@ts-expect-error|@ts-nocheck|biome-ignore)/
  return text.split('\n').flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1} ${line.trim()}`] : []))
}

function resolve(from: string, specifier: string): string {
  const parts = from.split('/').slice(0, -1)
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.') parts.push(part)
  }
  return parts.join('/')
}
