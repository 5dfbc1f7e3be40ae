import { simulateChunk } from './chunk.js'

simulateChunk(1)
