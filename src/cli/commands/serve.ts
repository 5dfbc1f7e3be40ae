/** `annals serve`: a FHIR server over the store, until it is stopped. */
import { Option } from 'commander'
import type { AddCommand } from '../program.js'
import { checkTogether, flagOf, type Setting, settingGroups } from '../serve/settings.js'
import { configured, configVariable } from '../serve/sources.js'
import { makeSession } from '../session.js'
import { settingsOf } from '../settings.js'

const examples = `  annals serve                                    http://127.0.0.1:8080/fhir, for programs of this machine
  annals serve --port 9090 --tenant clinic
  annals serve --many-tenants                     the others, too, at /tenants/{name}/fhir
  annals serve --config annals.json               {"port":9090,"manyTenants":true}
  annals serve --host 0.0.0.0 --issuer https://login.example.org --audience fhir --jwks https://login.example.org/jwks.json

Each flag may also be a variable (--max-body-bytes: ANNALS_SERVE_MAX_BODY_BYTES) or a member of a file (maxBodyBytes). Flags go before
variables, and these before the file.

Without an --issuer nobody is asked who they are, and it listens for this machine only, unless it is told --insecure: for a proxy before it
that asks. Ctrl-C or SIGTERM ends it when what is under way is answered.`

export const addServe: AddCommand = (make, surroundings) => {
  const command = make('serve', 'Serve FHIR over HTTP: R4, R4B or R5', examples).addOption(
    new Option('--config <file>', `a JSON file with settings (or ${configVariable})`),
  )
  for (const [group, settings] of Object.entries(settingGroups))
    for (const [name, setting] of Object.entries(settings)) command.addOption(optionOf(name, setting).helpGroup(group))
  command.action(async (flags: Record<string, unknown>) => {
    const given = await configured(surroundings.io, flags)
    checkTogether(given.settings)
    const { store, tenant } = given.settings
    surroundings.worksAt({ store, tenant })
    surroundings.endsWhenStopped()
    // No other command waits for what only this one needs.
    const { serve } = await import('../serve/serve.js')
    await serve(makeSession(surroundings, { ...settingsOf(surroundings.io, flags), store, tenant }), given)
  })
}

function optionOf(name: string, { value, fallback, summary }: Omit<Setting<unknown>, 'kind'>): Option {
  const isSaid = fallback === undefined || fallback === false || summary.includes('default:')
  const text = isSaid ? summary : `${summary} (default: ${fallback})`
  return new Option(value === '' ? flagOf(name) : `${flagOf(name)} <${value}>`, text)
}
