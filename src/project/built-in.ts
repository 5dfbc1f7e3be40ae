/** The projections that come with the store. */
import { currentIndex, currentIndexName, currentIndexVersion } from '../../projections/current-index.js'
import type { DefinedProjection } from './definition.js'

/** Where each resource stands now, by type and id, with counts: what `list` and `count` go by. */
export const currentIndexProjection: DefinedProjection = {
  name: currentIndexName,
  version: currentIndexVersion,
  bind: ({ pointers, tenant }) => currentIndex(pointers, tenant),
}
