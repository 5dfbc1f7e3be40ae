/** A progress bar on standard error: on a terminal only, and never beside JSON. */
import { type Options, SingleBar } from 'cli-progress'
import type { Session } from './session.js'

export interface ProgressBar {
  update(done: number, total: number, text: string): void
  /** Makes room for other output; the bar comes back below it. */
  clear(): void
  stop(): void
}

/** Times a second that the bar is drawn. */
const fps = 5

export function makeProgressBar({ io, json }: Session): ProgressBar {
  const { stderr } = io
  if (json || stderr.isTTY !== true) {
    return { update: () => undefined, clear: () => undefined, stop: () => undefined }
  }
  const options: Options = {
    format: '{bar} {percentage}%  {text}',
    stream: stderr as NodeJS.WritableStream,
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    fps,
    hideCursor: true,
    clearOnComplete: true,
    linewrap: false,
    gracefulExit: false,
  }
  const bar = new SingleBar(options)
  let started = false
  return {
    update(done, total, text) {
      if (!started) bar.start(total, done, { text })
      else {
        bar.setTotal(total)
        bar.update(done, { text })
      }
      started = true
    },
    clear() {
      if (started) stderr.write('\r\u001b[K')
    },
    stop() {
      if (started) bar.stop()
      started = false
    },
  }
}
