/**
 * A process that is stopped from outside may hold the lock of its folder, and all others, this one too, wait for it until it
 * goes on. So it stops itself when it hears this signal: between two turns it holds no lock.
 */
export const stopSignal = 'SIGUSR2'

export const stopWhenTold = (): void => {
  process.on(stopSignal, () => process.kill(process.pid, 'SIGSTOP'))
}
