import { type Handler, type HandlerOptions, on } from '../delivery/handler.ts'
import type { Flows } from '../ports/flows.ts'
import type { Flow } from './flow.ts'

/**
 * Follows a flow from the events of whichever services: `...follow(Trip)` among the handlers of any service, which then reads all its
 * topics. What happened and what is awaited is one row for each correlation id in this service's database; FlowSearch finds it.
 *
 * An event is noted in the transaction of the progress, so once; they may come in any order.
 */
export function follow<Tx>(flows: Flows<Tx>, flow: Flow, options: HandlerOptions = {}): readonly Handler<Tx>[] {
  return flow.events.map((event) =>
    on<unknown, Tx>(
      event,
      async ({ source, id, type, time, correlationId }, { tx }) => {
        const name = { flow: flow.name, correlationId }
        const happened = await flows.note(tx, name, { source, id, type, at: time })
        await flows.save(tx, name, flow.view(happened))
      },
      { name: `follow ${flow.name}`, ...options },
    ),
  )
}
