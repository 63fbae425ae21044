import { connect } from 'node:net'

/** Tells whether a Redis on this port takes the password and is ready for commands; false while it loads its data. */
export function answers(port: number, password: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    let said = ''
    const done = (isReady: boolean): void => {
      socket.destroy()
      resolve(isReady)
    }
    socket.setEncoding('utf8')
    // For a port that another program holds: one that takes connections and never answers.
    socket.setTimeout(2_000, () => done(false))
    socket.on('error', () => done(false))
    socket.on('close', () => done(false))
    socket.on('connect', () => socket.write(`AUTH ${password}\r\nPING\r\n`))
    socket.on('data', (chunk: string) => {
      said += chunk
      if (said.startsWith('-') || said.split('\r\n').length > 2) done(said === '+OK\r\n+PONG\r\n')
    })
  })
}
