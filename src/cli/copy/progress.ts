/** The progress of a copy, or of several at a time, on one bar. */
import type { CopyProgress } from '../../index.js'
import { makeProgressBar, type ProgressBar } from '../progress.js'
import type { Session } from '../session.js'
import { grouped, humanBytes, plural } from '../text.js'

export interface CopyBar extends Pick<ProgressBar, 'clear' | 'stop'> {
  update(tenant: string, progress: CopyProgress): void
}

export function makeCopyBar(session: Session): CopyBar {
  const started = performance.now()
  const tenants = new Map<string, CopyProgress>()
  let bar = makeProgressBar(session)
  let shown: CopyProgress['step'] = 'copy'

  const sum = (member: 'done' | 'total' | 'events' | 'bytes'): number =>
    [...tenants.values()].reduce((total, progress) => total + progress[member], 0)

  return {
    update(tenant, progress) {
      tenants.set(tenant, progress)
      // Verification takes a time of its own.
      if (progress.step !== shown) {
        bar.stop()
        bar = makeProgressBar(session)
        shown = progress.step
      }
      const [done, total, bytes] = [sum('done'), sum('total'), sum('bytes')]
      const who = tenants.size === 1 ? `'${tenant}'` : plural(tenants.size, 'tenant')
      const where = `${who}${shown === 'verify' ? ' verified' : ''}: commit ${grouped(done)} of ${grouped(total)}`
      const rate = `${humanBytes(bytes / ((performance.now() - started) / 1000))}/s`
      const what = `${where}, ${plural(sum('events'), 'event')}`
      bar.update(done, total, shown === 'verify' ? what : `${what}, ${humanBytes(bytes)}, ${rate}`)
    },
    clear: () => bar.clear(),
    stop: () => bar.stop(),
  }
}
