// Draws what the server sends, as text nodes only, and asks for trips.

const byId = (id) => document.getElementById(id)
const lanes = ['booking', 'hotel', 'car', 'payment']
const [left, gap, top, rowHeight] = [110, 150, 34, 34]
const width = left + gap * (lanes.length - 1) + 70
const backwards = ['COMPENSATED', 'CANCELLING', 'CANCELLED']

/** An element with a class and content: text, or other elements. */
function element(tag, className, ...content) {
  const made = document.createElement(tag)
  made.className = className
  made.append(...content)
  return made
}

function shape(tag, attributes, text = '') {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value))
  made.textContent = text
  return made
}

const laneX = (lane) => left + gap * lanes.indexOf(lane)

function head(x, y, isRightwards) {
  const back = isRightwards ? -8 : 8
  return shape('path', { class: 'head', d: `M${x} ${y}l${back} -4v8z` })
}

/** From its sender to whoever did something because of it. */
function arrows(message, y) {
  const from = laneX(message.from)
  const made = shape('g', { class: message.kind })
  made.append(shape('circle', { class: 'from', cx: from, cy: y, r: 3 }))
  for (const lane of message.to) {
    const to = laneX(lane)
    if (to === from) continue
    const isRightwards = to > from
    made.append(shape('line', { class: 'arrow', x1: from, y1: y, x2: to + (isRightwards ? -6 : 6), y2: y }))
    made.append(head(to, y, isRightwards))
  }
  const ends = [from, ...message.to.map(laneX)]
  const middle = (Math.min(...ends) + Math.max(...ends)) / 2
  const label = { class: 'label', x: middle, y: y - 7, 'text-anchor': 'middle' }
  made.append(shape('text', label, message.type), shape('title', {}, `message ${message.id}`))
  return made
}

function pill({ state }, y) {
  const made = shape('g', {})
  const isBack = backwards.includes(state) ? 'back' : ''
  const wide = state.length * 7 + 18
  const at = { x: Math.max(46, laneX('booking') - wide / 2), y: y - 10, width: wide, height: 20, rx: 10 }
  made.append(shape('rect', { class: `state ${isBack}`, ...at }))
  const middle = { x: at.x + wide / 2, y: y + 4, 'text-anchor': 'middle' }
  made.append(shape('text', { class: `state-name ${isBack}`, ...middle }, state))
  return made
}

/** Who said what to whom, from top to bottom as time goes. */
function sequence({ messages, states }) {
  const rows = [
    ...messages.map((message) => ({ atMs: message.atMs, draw: (y) => arrows(message, y) })),
    ...states.map((state) => ({ atMs: state.atMs, draw: (y) => pill(state, y) })),
  ].sort((a, b) => a.atMs - b.atMs)
  const height = top + rows.length * rowHeight + 16
  const drawing = shape('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img' })
  drawing.append(shape('title', {}, 'The messages of the trip, in order of time'))
  for (const lane of lanes) {
    const x = laneX(lane)
    drawing.append(shape('text', { class: 'lane', x, y: 14, 'text-anchor': 'middle' }, lane))
    drawing.append(shape('line', { class: 'life', x1: x, y1: 22, x2: x, y2: height }))
  }
  for (const [number, row] of rows.entries()) {
    const y = top + number * rowHeight + 20
    drawing.append(shape('text', { class: 'time', x: 34, y: y + 4, 'text-anchor': 'end' }, Math.round(row.atMs)))
    drawing.append(row.draw(y))
  }
  return drawing
}

function fillTrip(form, trip) {
  if (trip === undefined) {
    byId(form).replaceChildren(element('p', 'empty', 'Nothing yet: ask for a trip above.'))
    return
  }
  const { states, messages, refusal, kept, why } = trip
  const last = states.at(-1)
  const more = [
    `${messages.length} messages`,
    `${Math.round(last.atMs)} ms`,
    ...(refusal === null ? [] : [`because of ${refusal}`]),
    ...(kept === null ? [] : [`${kept} kept`]),
    trip.tripId,
  ]
  const facts = [element('span', `end ${last.state}`, last.state), ...more.map((text) => element('span', '', text))]
  byId(form).replaceChildren(element('div', 'facts', ...facts), element('p', 'why', why ?? ''), sequence(trip))
}

let chosen = null
let pairs = []

function choose(number) {
  chosen = number
  show()
}

function show() {
  const pair = pairs.find((each) => each.number === chosen) ?? pairs[0]
  byId('history').replaceChildren(
    ...pairs.map((each) => {
      const made = element('button', '', `${each.number} · ${each.title}`)
      made.setAttribute('aria-current', String(each === pair))
      made.addEventListener('click', () => choose(each.number))
      return made
    }),
  )
  for (const form of ['orchestrated', 'choreographed']) {
    fillTrip(
      form,
      pair?.trips.find((trip) => trip.form === form),
    )
  }
}

function say(text, isRefused) {
  byId('answer').textContent = text
  byId('answer').classList.toggle('refused', isRefused)
}

async function ask({ name, says }, button) {
  button.disabled = true
  try {
    const response = await fetch('/api/pairs', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ scenario: name }),
    })
    const said = await response.json()
    say(response.ok ? says : said.title, !response.ok)
    if (response.ok) choose(said.number)
  } catch {
    say('The server does not answer.', true)
  } finally {
    button.disabled = false
  }
}

function offer(scenarios) {
  if (byId('scenarios').childElementCount > 0) return
  for (const scenario of scenarios) {
    const button = element('button', '', scenario.title)
    button.title = scenario.says
    button.addEventListener('click', () => ask(scenario, button))
    byId('scenarios').append(button)
  }
}

function state(text, isLive) {
  byId('state').textContent = text
  byId('state').classList.toggle('live', isLive)
}

const live = new EventSource('/api/live')
live.addEventListener('message', ({ data }) => {
  const seen = JSON.parse(data)
  byId('broker').textContent = seen.broker
  offer(seen.scenarios)
  pairs = seen.pairs
  show()
})
live.addEventListener('open', () => state('live', true))
live.addEventListener('error', () => state('connecting', false))
