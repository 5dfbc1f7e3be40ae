export { memoryBlobStore } from './blob-store.js'
export { memoryDoorbell } from './doorbell.js'
export { memoryPointerStore } from './pointer-store.js'
export { memorySecrets } from './secrets.js'
