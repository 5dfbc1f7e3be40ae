/** What values of settings have to look like, as JSON or as text. A codec's name says it, for messages. */
import { isIP } from 'node:net'
import * as t from 'io-ts'

/** A value of a setting, from a flag, a variable or a file. */
export type Kind<A> = t.Type<A, A, unknown>

const kind = <A>(name: string, is: t.Is<A>, read: (given: unknown) => unknown): Kind<A> =>
  new t.Type(
    name,
    is,
    (given, context) => {
      const value = read(given)
      return is(value) ? t.success(value) : t.failure(given, context)
    },
    t.identity,
  )

export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): Kind<number> {
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`
  return kind(
    `a whole number ${range}`,
    (value): value is number => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
    (given) => (typeof given === 'string' && /^\d{1,16}$/.test(given) ? Number(given) : given),
  )
}

export const yesOrNo: Kind<boolean> = kind('true or false', t.boolean.is, (given) =>
  given === 'true' ? true : given === 'false' ? false : given,
)

export const text = (name: string, pattern: RegExp): Kind<string> =>
  kind(name, (value): value is string => typeof value === 'string' && pattern.test(value), t.identity)

export const oneOf = <A extends string>(...names: ReadonlyArray<A>): Kind<A> =>
  kind(`one of ${names.join(', ')}`, (value): value is A => names.includes(value as A), t.identity)

/** As browsers say it in `Origin`: nothing behind the host and its port. */
export const origin = text('an origin such as https://app.example.org, or *', /^(\*|https?:\/\/[^\s/?#@]+)$/)

const isNetwork = (value: unknown): value is string => {
  if (typeof value !== 'string') return false
  const [address = '', bits = '0', ...more] = value.split('/')
  const family = isIP(address)
  if (family === 0) return ['loopback', 'linklocal', 'uniquelocal'].includes(value)
  return more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)
}

export const network: Kind<string> = kind(
  'an address, a network such as 10.0.0.0/8, loopback, linklocal or uniquelocal',
  isNetwork,
  t.identity,
)

/** As text, with commas between them. */
export const listOf = <A>(one: Kind<A>): Kind<ReadonlyArray<A>> =>
  kind(
    `a list, of which each is ${one.name}`,
    (value): value is ReadonlyArray<A> => Array.isArray(value) && value.every(one.is),
    (given) => (typeof given === 'string' ? given.split(',').map((each) => each.trim()) : given),
  )
