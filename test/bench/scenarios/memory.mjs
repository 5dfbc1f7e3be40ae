/** The memory of a process while it works. Linux tells the pages that it made itself from those of files that it has mapped. In MiB. */
import fs from 'node:fs'

const samplingMs = 20

/** As it is now, and `whole` as its largest so far. */
export function memoryOf(pid) {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8')
  const mib = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024
  return { own: mib('RssAnon') + mib('RssShmem'), mapped: mib('RssFile'), whole: mib('VmHWM') }
}

/** Samples until it is ended, then answers the peaks. */
export function watchMemory(pid) {
  const peak = { own: 0, mapped: 0, whole: 0 }
  const sample = () => {
    try {
      const now = memoryOf(pid)
      for (const name of Object.keys(peak)) peak[name] = Math.max(peak[name], now[name])
    } catch {
      // The process has just ended, or this is no Linux: there is nothing to see.
    }
  }
  const sampling = setInterval(sample, samplingMs)
  return {
    end: () => {
      clearInterval(sampling)
      return peak
    },
  }
}
