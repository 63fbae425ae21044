const code = (character: string): number => character.charCodeAt(0)
const [quote, backslash, colon, comma] = [code('"'), code('\\'), code(':'), code(',')]
const opening = [code('{'), code('[')]
const closing = [code('}'), code(']')]

/**
 * The text of a member of a JSON object as it stands there, wherever it stands; null when there is none. Of several with
 * the name the last, as for JSON.parse.
 *
 * `text` is a JSON object: whoever asks has parsed it.
 */
export function memberText(text: string, wanted: string): string | null {
  let [depth, start, isKey] = [0, 0, true]
  let name: unknown = null
  let found: string | null = null
  for (let at = 0; at < text.length; at++) {
    const here = text.charCodeAt(at)
    if (here === quote) {
      const end = endOfText(text, at)
      // Parsed, because a name may be written with escapes.
      if (depth === 1 && isKey) name = JSON.parse(text.slice(at, end + 1))
      at = end
    } else if (here === colon && depth === 1) {
      isKey = false
      start = at + 1
    } else if (opening.includes(here)) {
      depth += 1
    } else if (here === comma || closing.includes(here)) {
      if (depth === 1 && name === wanted && !isKey) found = text.slice(start, at).trim()
      if (depth === 1) isKey = true
      if (here !== comma) depth -= 1
    }
  }
  return found
}

/** Of the text that begins with the quote at `from`, where the quote stands that ends it. */
function endOfText(text: string, from: number): number {
  let end = text.indexOf('"', from + 1)
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end === -1 ? text.length : end
}

function isEscaped(text: string, at: number): boolean {
  let first = at
  while (text.charCodeAt(first - 1) === backslash) first -= 1
  return (at - first) % 2 === 1
}
