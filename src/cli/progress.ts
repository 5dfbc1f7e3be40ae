/**
 * Progress on standard error: a bar on a terminal, a line now and then in a pipe, nothing beside JSON.
 */
import { type Options, SingleBar } from 'cli-progress'
import type { Session } from './session.js'
import { humanTime } from './text.js'

export interface ProgressBar {
  readonly isShown: boolean
  /** Without a total only the text is shown. */
  update(done: number, total: number | undefined, text: string): void
  /** Makes room for other output; the bar comes back below it. */
  clear(): void
  stop(): void
}

/** Times a second that the bar is drawn. */
const fps = 5
const barWidth = 24
/** Between two lines in a pipe, in milliseconds. */
const lineEveryMs = 10_000

export function makeProgressBar({ io, json }: Session): ProgressBar {
  const { stderr } = io
  const nothing = (): void => undefined
  if (json) return { isShown: false, update: nothing, clear: nothing, stop: nothing }
  if (stderr.isTTY !== true) return { isShown: false, update: lines(stderr), clear: nothing, stop: nothing }
  const started = performance.now()
  let first: number | undefined
  const options: Options = {
    format: (_, { value, total }, { text }) => `${gauge(value, total, timeLeft(value, total))}${text}`,
    stream: stderr as NodeJS.WritableStream,
    fps,
    hideCursor: true,
    clearOnComplete: true,
    linewrap: false,
    gracefulExit: false,
  }
  const bar = new SingleBar(options)
  // By the speed of this run: what an earlier one has done took no time.
  const timeLeft = (done: number, total: number): number =>
    ((performance.now() - started) / (done - (first ?? 0))) * (total - done)
  let isStarted = false
  return {
    isShown: true,
    update(done, total = 0, text) {
      first ??= done
      if (!isStarted) bar.start(total, done, { text })
      else {
        bar.setTotal(total)
        bar.update(done, { text })
      }
      isStarted = true
    },
    clear() {
      if (isStarted) stderr.write('\r\u001b[K')
    },
    stop() {
      if (isStarted) bar.stop()
      isStarted = false
    },
  }
}

function lines(stderr: NodeJS.WritableStream): ProgressBar['update'] {
  let last = performance.now()
  return (_, __, text) => {
    if (performance.now() - last < lineEveryMs) return
    last = performance.now()
    stderr.write(`${text}\n`)
  }
}

function gauge(done: number, total: number, msLeft: number): string {
  if (total === 0) return ''
  const part = Math.min(1, done / total)
  const full = Math.round(part * barWidth)
  const left = Number.isFinite(msLeft) && part > 0.01 && part < 1 ? `${humanTime(msLeft)} left  ` : ''
  return `${'█'.repeat(full)}${'░'.repeat(barWidth - full)} ${Math.floor(part * 100)} %  ${left}`
}
