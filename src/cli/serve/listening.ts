/** Listening at an address, or saying why that cannot be: the address is the user's choice. */
import type { AddressInfo } from 'node:net'
import { usage } from '../failure.js'

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program is there; stop it, or choose another port (0: any that is free)',
  EADDRNOTAVAIL: 'this machine does not have this address',
  EACCES: 'the system does not allow it; choose a port from 1024',
  ENOTFOUND: 'there is no such name',
  EAI_AGAIN: 'there is no such name',
}

export async function listening<A>(place: { host: string; port: number }, listen: () => Promise<A>): Promise<A> {
  try {
    return await listen()
  } catch (error) {
    const reason = reasons[(error as NodeJS.ErrnoException).code ?? '']
    if (reason === undefined) throw error
    throw usage(`port ${place.port} of '${place.host.slice(0, 64)}' cannot be listened at: ${reason}`)
  }
}

export const originOf = ({ address, family, port }: AddressInfo): string =>
  `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
