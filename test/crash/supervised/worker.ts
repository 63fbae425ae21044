// A supervised process that does nothing but be there.
import { supervised } from 'estafet/supervisor'

const alive = setInterval(() => {}, 1_000)
supervised({ pid: process.pid }, async () => clearInterval(alive))
