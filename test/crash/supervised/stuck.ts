// Says that it is ready, answers for a while, and then blocks its event loop for ever.
import { supervised } from 'estafet/supervisor'

supervised({ pid: process.pid }, () => Promise.resolve())
setTimeout(() => {
  for (;;);
}, 300)
