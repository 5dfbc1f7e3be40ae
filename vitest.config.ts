import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Suites that need real servers are a project of their own, so that all others start none. */
export default defineConfig({
  // What the docs import by the package's name are the sources, not a build.
  resolve: { alias: [{ find: /^annals$/, replacement: source('src/index.ts') }] },
  test: {
    testTimeout: 120_000,
    // Some load real data before the first test.
    hookTimeout: 60_000,
    // Vitest leaves one core free, of two: but most suites wait, for a disk, a server or a process of their own.
    maxWorkers: Math.max(2, availableParallelism()),
    projects: [
      {
        extends: true,
        // One after the other in one process, files load the sources once: that is a second of a core for each.
        test: { name: 'local', isolate: false, include: ['test/**/*.test.ts'], exclude: ['test/aws/**'] },
      },
      {
        extends: true,
        test: {
          name: 'aws',
          include: ['test/aws/**/*.test.ts'],
          globalSetup: 'test/servers/setup.ts',
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
