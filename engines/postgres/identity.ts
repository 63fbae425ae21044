import { spawnSync } from 'node:child_process'

/** How to run a program as a user that PostgreSQL accepts. */
export interface Identity {
  /** Put before the command. */
  readonly wrap: readonly string[]
  /** The user that must own the data folder, where that is not ours. */
  readonly owner: number | null
}

const nobody = 65534

/**
 * Chooses who PostgreSQL runs as: it refuses root. As root it runs in a user namespace in which root shows as nobody, so
 * files stay root's and a project below a closed home works; where namespaces are denied it drops to nobody, which
 * needs every parent folder to be passable for others.
 */
export function identity(): Identity {
  if (process.getuid?.() !== 0) return { wrap: [], owner: null }
  const namespace = ['unshare', '--user', `--map-user=${nobody}`, `--map-group=${nobody}`]
  const isAllowed = spawnSync('unshare', [...namespace.slice(1), 'true'], { stdio: 'ignore' }).status === 0
  if (isAllowed) return { wrap: namespace, owner: null }
  return { wrap: ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'], owner: nobody }
}
