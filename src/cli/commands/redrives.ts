import { type Item, number, text } from '../answer.ts'
import { columns } from '../columns.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { fromEach, oneService } from '../fleet.ts'
import { redriveFields } from '../redrive.ts'
import { referenceOf } from '../selection.ts'

export async function list(call: Call): Promise<Outcome> {
  const { found, diagnostics, exit } = await fromEach(call, (client) => client.all('/redrives', {}, 50))
  const rows = found.flatMap(({ service, value }) => value.map((each): Item => ({ service, ...each })))
  const table = columns(
    rows,
    [
      { title: 'REDRIVE', of: (row) => `${text(row, 'service')}/${text(row, 'number')}` },
      { title: 'STATE', of: (row) => text(row, 'state') },
      { title: 'APPLIED', of: (row) => number(row, 'applied'), align: 'right' },
      { title: 'FAILED', of: (row) => number(row, 'failed'), align: 'right' },
      { title: 'PENDING', of: (row) => number(row, 'pending') + number(row, 'released'), align: 'right' },
      { title: 'BY', of: (row) => text(row, 'requestedBy') },
      { title: 'CREATED AT', of: (row) => text(row, 'createdAt') },
    ],
    call.terminal.width,
  )
  return { data: rows, text: rows.length === 0 ? 'No redrives.' : table, exit, diagnostics }
}

export async function show(call: Call): Promise<Outcome> {
  const { service, number: wanted } = referenceOf(call.arguments[0] ?? '')
  const client = await oneService(call, service)
  const job = await client.get(`/redrives/${wanted}`)
  return done({ service: client.name, ...job }, redriveFields(client.name, job))
}

export const pause = (call: Call): Promise<Outcome> => change(call, 'pause')
export const resume = (call: Call): Promise<Outcome> => change(call, 'resume')
export const cancel = (call: Call): Promise<Outcome> => change(call, 'cancel')

async function change(call: Call, action: 'pause' | 'resume' | 'cancel'): Promise<Outcome> {
  const { service, number: wanted } = referenceOf(call.arguments[0] ?? '')
  const client = await oneService(call, service)
  const answer = await client.post(`/redrives/${wanted}/${action}`, {})
  return done({ service: client.name, ...answer }, `redrive ${client.name}/${wanted} is ${text(answer, 'state')}`)
}
