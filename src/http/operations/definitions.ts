/** Annals' own operations: one table, by which requests are read, and from which come their OperationDefinitions. (FHIR R4, OperationDefinition) */

export type Level = 'system' | 'type' | 'instance'

export interface Parameter {
  readonly name: string
  /** Absent where it has parts. */
  readonly type?:
    | 'string'
    | 'code'
    | 'boolean'
    | 'positiveInt'
    | 'unsignedInt'
    | 'instant'
    | 'Reference'
    | 'Parameters'
    | 'Binary'
    | 'OperationOutcome'
    | 'Identifier'
    | 'Coding'
    | 'url'
  readonly min?: 1
  readonly max?: '*'
  readonly documentation: string
  /** Of a code: what it may be. */
  readonly codes?: ReadonlyArray<string>
  readonly part?: ReadonlyArray<Parameter>
}

export interface Operation {
  /** Its name, without the `$`. */
  readonly code: string
  readonly title: string
  readonly description: string
  readonly levels: ReadonlyArray<Level>
  /** One that does not is also asked for by GET. */
  readonly affectsState: boolean
  readonly takes: ReadonlyArray<Parameter>
  readonly answers: ReadonlyArray<Parameter>
}

const dryRun: Parameter = {
  name: 'dryRun',
  type: 'boolean',
  documentation: 'Write nothing: answer what would be written.',
}
const reason: Parameter = { name: 'reason', type: 'string', documentation: 'Why, for the audit.' }

const takenBack: ReadonlyArray<Parameter> = [
  { name: 'transaction', type: 'string', documentation: 'The transaction that was written; absent where nothing was.' },
  { name: 'at', type: 'instant', documentation: 'When it was written.' },
  { name: 'replayed', type: 'boolean', documentation: 'Written by an earlier request with the same Idempotency-Key.' },
  {
    name: 'change',
    max: '*',
    documentation: 'One for each resource, in the order of writing.',
    part: [
      { name: 'resource', type: 'Reference', min: 1, documentation: 'Which one.' },
      {
        name: 'action',
        type: 'code',
        min: 1,
        codes: ['restore', 'delete', 'leave'],
        documentation: 'A version is written, or a deletion, or nothing.',
      },
      {
        name: 'version',
        type: 'unsignedInt',
        min: 1,
        documentation: 'The version that is written; where nothing is, the one that stands.',
      },
      {
        name: 'restores',
        type: 'unsignedInt',
        documentation: 'The version whose state comes back; 0: there was none.',
      },
    ],
  },
  {
    name: 'outcome',
    type: 'OperationOutcome',
    documentation: 'Of a dry run: every resource that others have changed since.',
  },
]

export const diff: Operation = {
  code: 'diff',
  title: 'What changed between two versions',
  description:
    'A FHIRPath Patch that leads from one version of a resource to another, or a JSON Patch with Accept: application/json-patch+json. Numbers compare and come as they are written. What the server sets (meta.versionId, meta.lastUpdated) is left out.',
  levels: ['instance'],
  affectsState: false,
  takes: [
    { name: 'from', type: 'positiveInt', documentation: 'The version to begin with (default: the one before `to`).' },
    { name: 'to', type: 'positiveInt', documentation: 'The version to lead to (default: the last one).' },
  ],
  answers: [{ name: 'return', type: 'Parameters', min: 1, documentation: 'The patch.' }],
}

export const revert: Operation = {
  code: 'revert',
  title: 'Take transactions back',
  description:
    'Writes one transaction by which each resource gets the state from before what is taken back. History only grows, and a revert can be reverted. Name transactions, a request, a correlation or commits.',
  levels: ['system'],
  affectsState: true,
  takes: [
    { name: 'transaction', type: 'string', max: '*', documentation: 'A transaction, such as 12-0.' },
    { name: 'request', type: 'string', documentation: 'The Idempotency-Key of a transaction of the last 24 hours.' },
    { name: 'correlation', type: 'string', documentation: 'All transactions that were written with it.' },
    {
      name: 'from',
      type: 'positiveInt',
      documentation: 'The first commit: all transactions from it on, or those of the correlation.',
    },
    { name: 'to', type: 'positiveInt', documentation: 'The last commit (default: the last there is).' },
    {
      name: 'onConflict',
      type: 'code',
      codes: ['fail', 'skip', 'force'],
      documentation:
        'What becomes of resources that others have changed since: nothing is written at all (default), they are left as they are, or they are taken back too.',
    },
    dryRun,
    reason,
  ],
  answers: takenBack,
}

export const restore: Operation = {
  code: 'restore',
  title: 'Bring back how things were',
  description:
    'Writes one transaction by which a resource, a type or all there is becomes what it was then. What came later stays in the history, and a restore can be reverted.',
  levels: ['system', 'type', 'instance'],
  affectsState: true,
  takes: [
    {
      name: 'to',
      type: 'string',
      min: 1,
      documentation: 'An instant, a position such as 0-12-0, or for a resource one of its versions, such as 3.',
    },
    dryRun,
    reason,
  ],
  answers: takenBack,
}

export const log: Operation = {
  code: 'log',
  title: 'The log, commit by commit',
  description:
    'Newline-delimited JSON (application/x-ndjson), one commit on each line, oldest first; or with Accept: text/event-stream the same as server-sent events that go on with new commits. The hash of a line is the prev of the next.',
  levels: ['system'],
  affectsState: false,
  takes: [
    { name: 'from', type: 'positiveInt', documentation: 'The first commit (default 1).' },
    { name: 'to', type: 'positiveInt', documentation: 'The last commit (default: the last there is).' },
    { name: '_count', type: 'positiveInt', documentation: 'At most so many commits.' },
    { name: 'bodies', type: 'boolean', documentation: 'false leaves the bodies out.' },
    {
      name: 'headers',
      type: 'boolean',
      documentation: 'true adds the header of each commit as it is stored, of which the hash is the SHA-256.',
    },
    { name: 'partition', type: 'unsignedInt', documentation: 'Which log, where a tenant has several.' },
  ],
  answers: [{ name: 'return', type: 'Binary', min: 1, documentation: 'The commits.' }],
}

const whichSubmission: ReadonlyArray<Parameter> = [
  { name: 'submitter', type: 'Identifier', min: 1, documentation: 'Who submits.' },
  { name: 'submissionId', type: 'string', min: 1, documentation: 'The name of the submission, of the submitter.' },
]

export const bulkSubmit: Operation = {
  code: 'bulk-submit',
  title: 'Offer files of resources',
  description:
    'Takes a manifest of NDJSON files, which are fetched and written line by line. A submission that is stopped is taken back by compensating events. As in HL7 Bulk Data Access 4.0.0-ballot, and Argonaut before it.',
  levels: ['system'],
  affectsState: true,
  takes: [
    ...whichSubmission,
    {
      name: 'submissionStatus',
      type: 'Coding',
      documentation: 'in-progress, completed (or complete), stopped (or aborted); system and capitals do not matter.',
    },
    { name: 'manifestUrl', type: 'url', documentation: 'Where the manifest is.' },
    { name: 'fhirBaseUrl', type: 'url', documentation: 'Of the resources; needed with manifestUrl.' },
    {
      name: 'replacesManifestUrl',
      type: 'url',
      documentation: 'The manifest whose place it takes. Alone: what that one did is taken back.',
    },
    {
      name: 'fileRequestHeader',
      max: '*',
      documentation: 'A header of requests for the manifest and its files.',
      part: [
        { name: 'headerName', type: 'string', min: 1, documentation: 'Its name.' },
        { name: 'headerValue', type: 'string', min: 1, documentation: 'Its value.' },
      ],
    },
    { name: 'outputFormat', type: 'string', documentation: 'application/fhir+ndjson.' },
  ],
  answers: [{ name: 'return', type: 'OperationOutcome', min: 1, documentation: 'That it is taken.' }],
}

export const bulkSubmitStatus: Operation = {
  code: 'bulk-submit-status',
  title: 'What became of a submission',
  description:
    'Answers 202 with a URL, which answers 202 until the submission has ended, and then 200 with a manifest of OperationOutcomes, one for each line that failed or was skipped.',
  levels: ['system'],
  affectsState: true,
  takes: whichSubmission,
  answers: [
    { name: 'return', type: 'OperationOutcome', min: 1, documentation: 'Where to ask is in Content-Location.' },
  ],
}

export const verify: Operation = {
  code: 'verify',
  title: 'Check everything that is stored',
  description:
    'Walks the log, every hash of it and every pointer, in the background: the answer is 202, and its Content-Location says where the result will be.',
  levels: ['system'],
  affectsState: true,
  takes: [{ name: 'deep', type: 'boolean', documentation: 'Also everything that is folded from the log, both ways.' }],
  answers: [
    ...['commits', 'events', 'bodies', 'items', 'projected'].map(
      (name): Parameter => ({ name, type: 'unsignedInt', min: 1, documentation: `How many ${name} were checked.` }),
    ),
    { name: 'differences', type: 'unsignedInt', min: 1, documentation: 'How many differences there are.' },
    { name: 'outcome', type: 'OperationOutcome', min: 1, documentation: 'The first of them, one in each issue.' },
  ],
}

export const operations: ReadonlyArray<Operation> = [diff, revert, restore, log, verify, bulkSubmit, bulkSubmitStatus]
