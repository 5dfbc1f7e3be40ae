/** Which addresses may be asked: what others name must not lead into the own network. */
import dns, { type LookupOptions } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { SourceProblem } from '../../domain/ports/index.js'

const refused = (): SourceProblem => new SourceProblem('its address is a private one, and these are not asked')

/** All of IPv6 that is given out. What is written otherwise may be an address of IPv4 in disguise. (RFC 4291, 2.4 and 2.5.5) */
const givenOut = ipaddr.IPv6.parseCIDR('2000::/3')

/** Neither of this machine, nor of a private network, nor reserved. An IPv4 address inside one of IPv6 counts as itself. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const found = ipaddr.process(address)
  return found.range() === 'unicast' && (found instanceof ipaddr.IPv4 || found.match(givenOut))
}

/** For addresses that stand in the URL itself: nobody looks them up. */
export function checkHost(hostname: string): void {
  const address = hostname.replace(/^\[|\]$/g, '')
  if (isIP(address) !== 0 && !isPublic(address)) throw refused()
}

/** At the moment of connecting, so that a name cannot mean another address by then. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  dns.lookup(hostname, { ...(options as LookupOptions), all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '', 0)
    if (addresses.length === 0 || !addresses.every(({ address }) => isPublic(address)))
      return callback(refused(), '', 0)
    if ((options as LookupOptions).all === true) return callback(null, addresses)
    const [first] = addresses
    callback(null, first?.address ?? '', first?.family)
  })
}
