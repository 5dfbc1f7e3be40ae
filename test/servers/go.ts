/** A Go that builds today's modules: the machine's own, or one that the machine's own fetches. */
import { chmodSync, copyFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Run } from './run.js'

/** What an older Go fetches; newer ones fetch what a module asks for by themselves. */
const release = 'go1.25.5'
/** The first that does. */
const firstThatFetches = { major: 1, minor: 21 }

/** Calls `use` with the command and the environment of a recent Go, and removes what was fetched for it. */
export async function withGo<A>(
  folder: string,
  run: Run,
  use: (go: string, env: Record<string, string>) => Promise<A>,
): Promise<A> {
  const env = { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false', GOTOOLCHAIN: 'auto' }
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(await run('go', ['version'])) ?? []
  const isRecent = Number(major) > firstThatFetches.major || Number(minor) >= firstThatFetches.minor
  if (isRecent) return use('go', env)
  const modules = join(folder, 'toolchain')
  try {
    return await use(await fetchGo(modules, run), { ...env, GOROOT: '' })
  } finally {
    rmSync(modules, { recursive: true, force: true })
  }
}

/**
 * Releases of Go are modules, checked like any other. A module carries no permission to execute and no go.mod below its
 * root, so both are given back here, as a newer Go does it.
 */
async function fetchGo(modules: string, run: Run): Promise<string> {
  const [os, arch] = (await run('go', ['env', 'GOOS', 'GOARCH'])).trim().split('\n')
  const module = `golang.org/toolchain@v0.0.1-${release}.${os}-${arch}`
  await run('go', ['mod', 'download', module], { env: { GOMODCACHE: modules, GOFLAGS: '-modcacherw' } })
  const home = join(modules, module)
  for (const programs of ['bin', `pkg/tool/${os}_${arch}`])
    for (const name of readdirSync(join(home, programs))) chmodSync(join(home, programs, name), 0o755)
  copyFileSync(join(home, 'src', '_go.mod'), join(home, 'src', 'go.mod'))
  return join(home, 'bin', 'go')
}
