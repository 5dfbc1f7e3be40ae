/** Opens places for files outside of a store, by their URL: `file:./folder`, which is made, or `s3://bucket/prefix`, whose bucket is there. */
import { resolve } from 'node:path'
import { type AwsWorld, openBucket } from '../adapters/aws/index.js'
import { bucketSettings } from '../adapters/aws/settings.js'
import { openPlainFolder } from '../adapters/embedded/plain-folder.js'
import { annalsError } from '../domain/error.js'
import { orThrow, run } from '../domain/task.js'
import type { ExportPlaces } from './bulk/export/places.js'
import { folderOf } from './folder-url.js'

export const makePlaces = (world: AwsWorld): ExportPlaces => ({
  resolve(url) {
    if (isFolder(url)) return `file:${resolve(folderOf(url))}`
    if (!isBucket(url)) {
      const problem = `'${url.slice(0, 200)}' is no place for files; write file:./folder or s3://bucket/prefix`
      throw annalsError('InvalidInput', { what: 'to', problem })
    }
    orThrow(bucketSettings(url, process.env))
    return url
  },
  open: (url) =>
    isBucket(url)
      ? run(openBucket(orThrow(bucketSettings(url, process.env)), world))
      : run(openPlainFolder(folderOf(url))),
})

const isFolder = (url: string): boolean => url.startsWith('file:')
const isBucket = (url: string): boolean => url.startsWith('s3://')
