/** What clients without the right token are told. (RFC 6750, section 3) */

const realm = 'Bearer realm="FHIR"'

type Code = 'invalid_request' | 'invalid_token' | 'insufficient_scope'

/** Without a code: there was no token at all. */
export const challenge = (code?: Code, description?: string) => ({
  'www-authenticate': [
    realm,
    ...(code === undefined ? [] : [`error="${code}"`]),
    ...(description === undefined ? [] : [`error_description="${description}"`]),
  ].join(', '),
})
