import type { CommandSpec } from './command.ts'
import { optionsFor } from './general-options.ts'

/**
 * What may stand where the cursor is: `words` are those after `estafet`, the last one begun, maybe empty. Empty when
 * the shell should complete a file name, or nothing is known.
 */
export function complete(words: readonly string[], commands: readonly CommandSpec[]): readonly string[] {
  const begun = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const [first, second] = before.filter((word) => !word.startsWith('-'))
  const command =
    commands.find(({ name }) => name === `${first} ${second}`) ?? commands.find(({ name }) => name === first)
  const choices = command === undefined ? names(first, commands) : below(command, before, begun)
  return choices.filter((choice) => choice.startsWith(begun)).sort()
}

function names(first: string | undefined, commands: readonly CommandSpec[]): readonly string[] {
  const words = commands.map(({ name }) => name.split(' '))
  if (first === undefined) return [...new Set(words.map(([word = '']) => word))]
  return words.filter(([word]) => word === first).flatMap(([, word]) => word ?? [])
}

function below(command: CommandSpec, before: readonly string[], begun: string): readonly string[] {
  const options = optionsFor(command)
  const previous = options[before.at(-1)?.replace(/^--/, '') ?? '']
  if (before.at(-1)?.startsWith('--') === true && previous !== undefined && previous.kind !== 'flag') {
    return previous.choices ?? []
  }
  if (begun.startsWith('-')) return Object.keys(options).map((name) => `--${name}`)
  return command.arguments.flatMap(({ choices }) => choices ?? [])
}

export const shells = ['bash', 'zsh', 'fish'] as const

/** A script that makes a shell ask `estafet __complete`, which knows the commands of the version that is installed. */
export function completionScript(shell: string): string {
  if (shell === 'zsh') return zsh
  return shell === 'fish' ? fish : bash
}

const bash = `# estafet completion for bash: eval "$(estafet completion bash)"
_estafet() {
  local IFS=$'\\n'
  COMPREPLY=($("\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _estafet estafet`

const zsh = `#compdef estafet
# estafet completion for zsh: eval "$(estafet completion zsh)"
_estafet() {
  local -a found
  found=("\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("\${(@)found:#}")
  if (( $#found )); then compadd -- "\${found[@]}"; else _files; fi
}
compdef _estafet estafet`

const fish = `# estafet completion for fish: estafet completion fish | source
function __estafet_complete
  set -l words (commandline -opc) (commandline -ct)
  command $words[1] __complete $words[2..-1] 2>/dev/null
end
complete -c estafet -a '(__estafet_complete)'`
