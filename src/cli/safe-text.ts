// What a message or an error holds was written by others. On a terminal, control characters can move the cursor, change
// the title or hide text, and the marks of writing direction can show a line in another order than it has.
const controls = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Cs}/gu

/** One line of text that can do nothing to a terminal: such characters become visible escapes. */
export function safeText(text: string): string {
  return text.replaceAll(controls, escaped)
}

/** Several lines of such text: line feeds stay, tabs become two spaces. */
export function safeLines(text: string): string {
  return text.replaceAll('\t', '  ').split('\n').map(safeText).join('\n')
}

/** The same for JSON text: each such character becomes the escape that JSON knows. */
export function escapeControls(json: string): string {
  return json.replaceAll(controls, jsonEscape)
}

function escaped(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\r') return '\\r'
  if (character === '\t') return '\\t'
  return jsonEscape(character)
}

function jsonEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
