/** Permissions, by the letters that SMART on FHIR has for them. */

/**
 * `c`reate, `r`ead (with vread and the history of a resource), `u`pdate (with patch, and an update that creates), `d`elete, `s`earch
 * (with the histories of a type and of the system, and conditions, whatever they are for).
 */
export type Permission = 'c' | 'r' | 'u' | 'd' | 's'

export const permissionNames: Readonly<Record<Permission, string>> = {
  c: 'create',
  r: 'read',
  u: 'update',
  d: 'delete',
  s: 'search',
}
