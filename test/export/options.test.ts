/** Which resources an export is about, and what is written of them. */
import { describe, expect, test } from 'vitest'
import type { ExportOptions } from '../../src/index.js'
import type { Tenant } from '../../src/store.js'
import { failure } from '../protocol/world.js'
import { exported, makePlace } from './place.js'

const keys = async (tenant: Tenant, options: ExportOptions): Promise<string[]> =>
  [...(await exported(tenant, options)).resources.keys()].sort()

async function entered(partitions = 1) {
  const place = makePlace()
  const store = await place.open()
  const tenant = await store.tenant('t', { partitions })
  const put = (key: string, more: object = {}): Promise<unknown> => {
    const [resourceType = '', id = ''] = key.split('/')
    return tenant.update(resourceType, id, JSON.stringify({ resourceType, id, ...more }))
  }
  return { place, store, tenant, put }
}

const subject = (patient: string) => ({ subject: { reference: `Patient/${patient}` } })

describe('types and filters', () => {
  async function people() {
    const world = await entered()
    const { put, tenant } = world
    await put('Patient/a', { identifier: [{ system: 'http://mrn', value: '1' }] })
    await put('Patient/b', { identifier: [{ system: 'http://mrn', value: '2' }] })
    const middle = (await tenant.head()).at
    await put('Patient/c', { identifier: [{ system: 'http://other', value: '1' }] })
    await put('ValueSet/v', { url: 'http://vs' })
    await put('ValueSet/w', { url: 'http://ws' })
    await put('Basic/x')
    return { ...world, middle }
  }

  test('select what they say, several of one type any of it, and leave other types alone', async () => {
    const { tenant, middle } = await people()
    expect(await keys(tenant, { types: ['ValueSet', 'Basic', 'Basic'] })).toEqual([
      'Basic/x',
      'ValueSet/v',
      'ValueSet/w',
    ])
    expect(await keys(tenant, { types: ['Encounter'] })).toEqual([])
    for (const [typeFilters, expected] of [
      [['Patient?identifier=http://mrn|1'], ['a']],
      [['Patient?identifier=1'], ['a', 'c']],
      [
        ['Patient?_id=b', 'Patient?identifier=http://other|1'],
        ['b', 'c'],
      ],
      [[`Patient?_lastUpdated=le${middle}`], ['a', 'b']],
      [
        [`Patient?_lastUpdated=gt${middle}`, 'Patient?_id=a'],
        ['a', 'c'],
      ],
    ] as const) {
      const patients = expected.map((id) => `Patient/${id}`)
      expect(await keys(tenant, { types: ['Patient'], typeFilters })).toEqual(patients)
      expect(await keys(tenant, { typeFilters })).toEqual(['Basic/x', ...patients, 'ValueSet/v', 'ValueSet/w'])
    }
    const typeFilters = ['Patient?_id=a', 'ValueSet?url=http://ws']
    expect(await keys(tenant, { types: ['Patient', 'ValueSet'], typeFilters })).toEqual(['Patient/a', 'ValueSet/w'])
  })

  test('tell of deletions by what was there before, however long ago', async () => {
    const { tenant } = await people()
    const since = (await tenant.head()).at
    await tenant.delete('Patient', 'b')
    await tenant.delete('Patient', 'c')
    await tenant.delete('Basic', 'x')
    const deleted = async (options: ExportOptions): Promise<string[]> =>
      (await exported(tenant, { since, ...options })).deleted.sort()
    expect(await deleted({})).toEqual(['Basic/x', 'Patient/b', 'Patient/c'])
    expect(await deleted({ types: ['Patient'] })).toEqual(['Patient/b', 'Patient/c'])
    expect(await deleted({ typeFilters: ['Patient?identifier=http://mrn|2'] })).toEqual(['Basic/x', 'Patient/b'])
    expect(await deleted({ typeFilters: ['Patient?_id=c', 'Basic?_id=y'] })).toEqual(['Patient/c'])
  })
})

describe('elements', () => {
  test('are written alone, with every digit and the tag of a part; other types stay whole', async () => {
    const { tenant } = await entered()
    await tenant.update(
      'Observation',
      'o',
      '{"resourceType":"Observation","status":"final","code":{},"valueQuantity":{"value":1.10},"note":[]}',
    )
    await tenant.update('Basic', 'b', '{"resourceType":"Basic","code":{"text":"x"},"created":"2026"}')
    const { resources } = await exported(tenant, { elements: ['Observation.value'] })
    const at = (await tenant.read('Observation', 'o'))?.at
    expect(resources.get('Observation/o')).toBe(
      `{"resourceType":"Observation","id":"o","meta":{"versionId":"1","lastUpdated":"${at}",` +
        '"tag":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}]},' +
        '"status":"final","code":{},"valueQuantity":{"value":1.10}}',
    )
    expect(resources.get('Basic/b')).toBe((await tenant.read('Basic', 'b'))?.text())
  })
})

describe.each([
  ['one log', 1],
  ['several logs', 3],
])('what belongs to patients, of %s,', (_, partitions) => {
  async function clinic() {
    const world = await entered(partitions)
    const { put } = world
    for (const id of ['a', 'b', 'c', 'd']) await put(`Patient/${id}`)
    await put('Patient/twin', { link: [{ other: { reference: 'Patient/a' }, type: 'seealso' }] })
    for (const id of ['a', 'b', 'c']) await put(`Observation/of-${id}`, subject(id))
    await put('Observation/of-group', { subject: { reference: 'Group/g' } })
    await put('Observation/of-none')
    await put('Encounter/of-a', subject('a'))
    await put('Organization/o')
    await put('Practitioner/p')
    await put('Group/g', {
      member: [
        { entity: { reference: 'Patient/a' } },
        { entity: { reference: 'Patient/b' }, inactive: true },
        { entity: { reference: 'Group/inner' } },
      ],
    })
    await put('Group/inner', { member: [{ entity: { reference: 'Patient/d' } }, { entity: { reference: 'Group/g' } }] })
    return world
  }

  const ofA = ['Encounter/of-a', 'Group/g', 'Observation/of-a', 'Patient/a', 'Patient/twin']

  test('is all of the compartments, and nothing that refers to no patient', async () => {
    const { tenant } = await clinic()
    const all = ['Group/inner', 'Observation/of-b', 'Observation/of-c', 'Patient/b', 'Patient/c', 'Patient/d']
    expect(await keys(tenant, { level: 'patient' })).toEqual([...ofA, ...all].sort())
    expect(await keys(tenant, { level: 'patient', types: ['Observation', 'Organization'] })).toEqual([
      'Observation/of-a',
      'Observation/of-b',
      'Observation/of-c',
    ])
  })

  test('is that of the patients who are named', async () => {
    const { tenant } = await clinic()
    expect(await keys(tenant, { level: 'patient', patients: ['a', 'a'] })).toEqual(ofA)
    const types = ['Observation']
    const typeFilters = ['Observation?_id=of-a,of-c']
    expect(await keys(tenant, { level: 'patient', patients: ['b', 'c'], types, typeFilters })).toEqual([
      'Observation/of-c',
    ])
  })

  test("is that of a group's members, and of the groups in it, as they are at the snapshot", async () => {
    const { tenant, put } = await clinic()
    const before = (await tenant.head()).at
    const ofGroup = [...ofA, 'Group/inner', 'Patient/d'].sort()
    const level = { group: 'g' }
    expect(await keys(tenant, { level })).toEqual(ofGroup)
    expect(await keys(tenant, { level, patients: ['d'] })).toEqual(['Group/inner', 'Patient/d'])
    await put('Group/g', { member: [{ entity: { reference: 'Patient/c' } }] })
    await put('Observation/late-of-a', subject('a'))
    expect(await keys(tenant, { level })).toEqual(['Group/g', 'Observation/of-c', 'Patient/c'])
    expect(await keys(tenant, { level, until: before })).toEqual(ofGroup)
  })

  test('is told of deletions that were theirs, however long ago it was written', async () => {
    const { tenant, put } = await clinic()
    const since = (await tenant.head()).at
    for (const id of ['of-a', 'of-b', 'of-none']) await tenant.delete('Observation', id)
    await put('Observation/new', subject('a'))
    await put('Observation/new', subject('b'))
    await tenant.delete('Observation', 'new')
    await put('Observation/moved', subject('b'))
    await put('Observation/moved', subject('a'))
    await tenant.delete('Observation', 'moved')
    await tenant.delete('Patient', 'd')
    await tenant.delete('Organization', 'o')
    const deleted = async (options: ExportOptions): Promise<string[]> =>
      (await exported(tenant, { since, ...options })).deleted.sort()
    expect(await deleted({ level: 'patient' })).toEqual([
      'Observation/moved',
      'Observation/new',
      'Observation/of-a',
      'Observation/of-b',
      'Patient/d',
    ])
    expect(await deleted({ level: 'patient', patients: ['a'] })).toEqual(['Observation/moved', 'Observation/of-a'])
    expect(await deleted({ level: { group: 'g' } })).toEqual(['Observation/moved', 'Observation/of-a', 'Patient/d'])
    expect(await deleted({ level: 'patient', deleted: false })).toEqual([])
  })

  test('may be referred to by URLs of the server itself', async () => {
    const { tenant, put } = await clinic()
    await put('Observation/absolute', { subject: { reference: 'https://here.org/fhir/Patient/a' } })
    await put('Observation/foreign', { subject: { reference: 'https://there.org/fhir/Patient/a' } })
    const options = { level: 'patient', patients: ['a'], types: ['Observation'] } as const
    expect(await keys(tenant, options)).toEqual(['Observation/of-a'])
    const base = 'https://here.org/fhir'
    expect(await keys(tenant, { ...options, base })).toEqual(['Observation/absolute', 'Observation/of-a'])
  })

  test('is refused for patients and groups that are not there', async () => {
    const { tenant, place } = await clinic()
    await tenant.delete('Patient', 'c')
    await tenant.delete('Group', 'inner')
    for (const [what, options] of [
      ['patients', { level: 'patient', patients: ['a', 'nobody'] }],
      ['patients', { level: 'patient', patients: ['c'] }],
      ['patients', { level: { group: 'g' }, patients: ['b'] }],
      ['patients', { level: 'system', patients: ['a'] }],
      ['patients', { patients: ['a'] }],
      ['patients', { level: 'patient', patients: [] }],
      ['id', { level: 'patient', patients: ['../b'] }],
      ['group', { level: { group: 'nothing' } }],
      ['group', { level: { group: 'inner' } }],
      ['id', { level: { group: 'a/b' } }],
      ['level', { level: 'everything' as never }],
      ['level', { level: {} as never }],
      ['typeFilters', { types: ['Patient'], typeFilters: ['Group?_id=g'] }],
      ['typeFilters', { typeFilters: ['Patient?_sort=_id'] }],
      ['typeFilters', { typeFilters: [] }],
      ['elements', { elements: [] }],
      ['elements', { elements: ['Patient.name.given'] }],
    ] as ReadonlyArray<[string, ExportOptions]>)
      expect(await failure(tenant.export(options)), JSON.stringify(options)).toMatchObject({
        _tag: 'InvalidInput',
        data: { what },
      })
    expect(await failure(tenant.export({ typeFilters: ['Patient?gender=male'] }))).toMatchObject({
      _tag: 'NotSupported',
    })
    expect([...(await place.objects('t/bulk/')).keys()]).toEqual([])
  })
})

test('a group of more members than an export may have is refused', async () => {
  const place = makePlace()
  const tenant = await (await place.open({ maxExportPatients: 3 })).tenant('t')
  const member = ['a', 'b', 'c'].map((id) => ({ entity: { reference: `Patient/${id}` } }))
  await tenant.update('Group', 'g', { resourceType: 'Group', member })
  expect(await failure(tenant.export({ level: { group: 'g' } }))).toMatchObject({ _tag: 'LimitExceeded' })
})

test('plain documents are selected by their types only', async () => {
  const tenant = await (await makePlace().open()).tenant('j', { kind: 'json' })
  for (const options of [
    { level: 'patient' },
    { level: { group: 'g' } },
    { typeFilters: ['Patient?_id=a'] },
    { elements: ['name'] },
  ] as ReadonlyArray<ExportOptions>)
    expect(await failure(tenant.export(options))).toMatchObject({ _tag: 'NotSupported' })
})

test('what the caller wants to find among the errors is there', async () => {
  const { tenant } = await entered()
  const outcome = {
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'error', code: 'not-supported', diagnostics: 'organizeOutputBy was passed over' }],
  } as const
  const { errors, status } = await exported(tenant, { outcomes: [outcome], note: 'GET /fhir/$export', actor: 'ann' })
  expect(errors.map((line) => JSON.parse(line))).toEqual([outcome])
  expect(status).toMatchObject({ note: 'GET /fhir/$export', actor: 'ann' })
})
