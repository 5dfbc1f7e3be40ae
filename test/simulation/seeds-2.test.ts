import { simulateChunk } from './chunk.js'

simulateChunk(2)
