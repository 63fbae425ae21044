// Shows what the server sends, as text nodes only, and sends two forms.

const byId = (id) => document.getElementById(id)

/** An element with a class and content: text, or other elements. */
function element(tag, className, ...content) {
  const made = document.createElement(tag)
  made.className = className
  made.append(...content)
  return made
}

/** A card of two lines; those of one event light up together. */
function card(eventId, [title, tag, tagClass = ''], [left, right], error = null) {
  const made = element(
    'li',
    '',
    element('b', '', title),
    element('span', `tag ${tagClass}`, tag),
    element('small', '', left),
    element('small', '', right),
  )
  if (error !== null) made.append(element('small', 'error', error))
  made.dataset.event = eventId
  made.title = `event ${eventId}`
  return made
}

const time = (text) => new Date(text).toLocaleTimeString([], { hour12: false })
const shortId = (id) => (id.length > 13 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id)

function outboxCard(row) {
  const tries = `${row.publish_attempts} ${row.publish_attempts === 1 ? 'attempt' : 'attempts'}`
  const error = row.status === 'new' ? row.last_error : null
  const { game_id: game, chat_id: chat } = row.payload
  return card(
    row.id,
    [`${game} in ${chat}`, row.status, row.status],
    [`${shortId(row.id)} · ${tries}`, time(row.published_at ?? row.created_at)],
    error,
  )
}

/** JSON without spaces; a payload of somebody else may be no JSON. */
function compact(payload) {
  try {
    return JSON.stringify(JSON.parse(payload))
  } catch {
    return payload
  }
}

function topicCard(message) {
  const place = `p${message.partition} @ ${message.offset}`
  const made = card(
    message.id,
    [compact(message.payload), place],
    [`${shortId(message.id)} · ${message.type}`, time(message.time)],
  )
  made.querySelector('b').className = 'json'
  return made
}

function consumedCard(row) {
  const place = `p${row.partition} @ ${row.kafka_offset}`
  return card(
    row.event_id,
    [row.consumer_group, place],
    [`${shortId(row.event_id)} · taken once`, time(row.consumed_at)],
  )
}

function fill(id, cards, whenEmpty) {
  byId(id).replaceChildren(...(cards.length === 0 ? [element('li', 'empty', whenEmpty)] : cards))
}

let marked = null
function mark(eventId) {
  marked = eventId
  for (const each of document.querySelectorAll('[data-event]')) {
    each.classList.toggle('same', each.dataset.event === marked)
  }
}
document.addEventListener('mouseover', (event) => {
  const hovered = event.target.closest?.('[data-event]')
  if (hovered) mark(hovered.dataset.event)
})

function show({ broker, outbox, topic, consumed, groups }) {
  byId('broker').textContent = broker
  fill('outbox', outbox.map(outboxCard), 'No row yet: finish a game.')
  fill('topic', topic.map(topicCard), 'No message yet.')
  fill('consumed', consumed.map(consumedCard), 'Nothing consumed yet.')
  const totals = groups.map((each) => `${each.consumer_group}: ${each.games} games in ${each.chats} chats`)
  if (totals.length > 0) byId('totals').textContent = totals.join(' · ')
  mark(marked ?? outbox[0]?.id ?? null)
}

function state(text, isLive) {
  byId('state').textContent = text
  byId('state').classList.toggle('live', isLive)
}

const live = new EventSource('/api/live')
live.addEventListener('message', ({ data }) => show(JSON.parse(data)))
live.addEventListener('open', () => state('live', true))
live.addEventListener('error', () => state('connecting', false))

/** Sends a form's fields and says what came of it. */
async function send(path, form, headers) {
  const answer = byId('answer')
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(Object.fromEntries(new FormData(form))),
    })
    const said = await response.json()
    answer.classList.toggle('refused', !response.ok)
    const faults = (said.errors ?? []).map(({ field, reason }) => `${field} ${reason}`)
    answer.textContent = response.ok ? 'Done.' : [said.title, ...faults].join(' ')
    return response.ok ? said : null
  } catch {
    answer.classList.add('refused')
    answer.textContent = 'The server does not answer.'
    return null
  }
}

const newGame = () => `game-${crypto.randomUUID().slice(0, 6)}`
byId('finish').elements.game_id.value = newGame()
byId('finish').addEventListener('submit', async (event) => {
  event.preventDefault()
  const said = await send('/api/games', event.target, { 'idempotency-key': crypto.randomUUID() })
  if (said === null) return
  mark(said.event_id)
  event.target.elements.game_id.value = newGame()
})
byId('replay').addEventListener('submit', async (event) => {
  event.preventDefault()
  await send('/api/groups', event.target, {})
})
