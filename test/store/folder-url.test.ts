/** One reading of `file:` URLs, for stores and for secrets. */
import { expect, test } from 'vitest'
import { folderOf } from '../../src/folder-url.js'

test.each([
  ['file:./data', './data'],
  ['file:data', 'data'],
  ['file:/data', '/data'],
  ['file:./a%20folder', './a%20folder'],
  ['file:///a%20folder', '/a folder'],
])('%s is the folder %s', (url, folder) => {
  expect(folderOf(url)).toBe(folder)
})
