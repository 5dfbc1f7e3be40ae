/** The memory of a process while it works. Linux tells the pages that it made itself from those of files that it has mapped. In MiB. */
import fs from 'node:fs'

const samplingMs = 20

/** Samples until it is ended, then answers the peaks. */
export function watchMemory(pid) {
  const peak = { own: 0, mapped: 0, whole: 0 }
  const sample = () => {
    try {
      const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8')
      const mib = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024
      peak.own = Math.max(peak.own, mib('RssAnon') + mib('RssShmem'))
      peak.mapped = Math.max(peak.mapped, mib('RssFile'))
      peak.whole = Math.max(peak.whole, mib('VmHWM'))
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
