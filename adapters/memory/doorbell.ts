import { Subject } from 'rxjs'
import type { Doorbell, Ring } from '../../domain/ports/index.js'

/** Rings within this process, while `ring` is being called. */
export function memoryDoorbell(): Doorbell {
  const rings = new Subject<Ring>()
  return {
    ring: (log, seq) => rings.next({ log, seq }),
    listen: () => rings.asObservable(),
  }
}
