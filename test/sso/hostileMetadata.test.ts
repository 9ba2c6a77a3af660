/**
 * IdP metadata that an attacker, or a careless IdP, would have us take, by every door that takes any: as text, at an address, as a change, and when
 * it is read again. Each time it is refused, told of to the Admin and the audit, and the same metadata without the flaw is taken (SSO-1).
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { refreshMetadataLater } from '../../src/sso/tasks.ts';
import { type Method, openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { idpCertificate } from '../support/idpCertificate.ts';
import { weakCertificates } from '../support/weakCertificates.ts';
import {
  entityOf,
  idpMetadata,
  keyDescriptor,
  type MetadataParts,
  makeCertificate,
  postBinding,
  serve,
  service,
} from './idpMetadata.ts';

let gatehouse: TestGatehouse;
let home: string;
let organizationId: string;
let metadataUrl: string;
let published = '';
let connectionId: string;
let [old, others]: [string, readonly string[]] = ['', []];

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ rehearse: false, env: { GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true' } });
  metadataUrl = await serve((_request, response) => void response.end(published));
  old = await makeCertificate({ notBeforeDate: new Date('2020-01-01'), notAfterDate: new Date('2021-01-01') });
  const curve = { keyType: 'ec', curve: 'P-256' } as const;
  others = await Promise.all(Array.from({ length: 11 }, () => makeCertificate(curve)));
  const owner = { email: 'owner@acme.example' };
  organizationId = (await ask(201, 'post', '/api/v1/organizations', { name: 'Acme', owner })).id;
  home = `/api/v1/organizations/${organizationId}/connections`;
  published = honest();
  connectionId = (await make(201, { metadataUrl })).id;
});

async function ask(status: number, method: Method, path: string, body?: object) {
  const answer = await gatehouse.operator(method, path).send(body);
  if (answer.status !== status) throw new Error(`expected ${status}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const honest = (parts: Partial<MetadataParts> = {}): string =>
  idpMetadata({ certificates: [idpCertificate], ...parts });
const around = (inner: string, attributes = ''): string =>
  `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ${attributes}>${inner}</md:EntitiesDescriptor>`;
const entity = (entityId?: string): string =>
  entityOf({ certificates: [idpCertificate], ...(entityId !== undefined && { entityId }) });
const behindDeclaration = (text: string): string => honest().replace('?>\n', `?>\n${text}`);
const inside = (text: string): string => honest().replace('<md:IDPSSODescriptor', `${text}<md:IDPSSODescriptor`);
const sso = service('https://idp.example/sso');
const spoken = 'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"';
const over = 'validUntil="2020-01-01T00:00:00Z"';

type Row = readonly [title: string, write: () => string, code: string, tells: RegExp];

const documents: readonly Row[] = [
  ['a document type', () => behindDeclaration('<!DOCTYPE x>'), 'metadata_invalid', /document type/],
  [
    'entities that grow',
    () => behindDeclaration('<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]>').replace('/entity', '/&b;'),
    'metadata_invalid',
    /document type/,
  ],
  [
    'an entity that is a file of ours',
    () => behindDeclaration('<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>').replace('/entity', '/&f;'),
    'metadata_invalid',
    /document type/,
  ],
  ['a style sheet', () => behindDeclaration('<?xml-stylesheet href="x.xsl"?>'), 'metadata_invalid', /processing/],
  ['more elements than any IdP has', () => inside('<x/>'.repeat(3_100)), 'metadata_invalid', /3000 elements/],
  [
    'more attributes than any IdP has',
    () => inside(`<x ${Array.from({ length: 60 }, (_, at) => `a${at}=""`).join(' ')}/>`.repeat(101)),
    'metadata_invalid',
    /6000 attributes/,
  ],
  ['elements in elements', () => inside('<x>'.repeat(40) + '</x>'.repeat(40)), 'metadata_invalid', /nested deeper/],
  ['its end cut off', () => honest().slice(0, -30), 'metadata_invalid', /ends before|broken/],
  ['a page in its place', () => '<html><body>Sign in</body></html>', 'metadata_invalid', /no EntityDescriptor/],
  [
    'names of another namespace',
    () => honest().replace('SAML:2.0:metadata', 'SAML:1.1:metadata'),
    'metadata_invalid',
    /no EntityDescriptor/,
  ],
];

const entities: readonly Row[] = [
  ['two IdPs', () => around(entity() + entity('https://evil.example')), 'metadata_invalid', /several IdPs/],
  [
    'two descriptors of an IdP in one entity',
    () => honest().replace(/<md:IDPSSODescriptor[\s\S]*<\/md:IDPSSODescriptor>/, (found) => found + found),
    'metadata_invalid',
    /several IdPs/,
  ],
  [
    'no IdP, but a service',
    () => honest().replaceAll('IDPSSODescriptor', 'SPSSODescriptor'),
    'metadata_invalid',
    /no IdP/,
  ],
  [
    'an IdP of SAML 1.1',
    () => honest().replace('SAML:2.0:protocol', 'SAML:1.1:protocol'),
    'metadata_invalid',
    /no IdP/,
  ],
  ['no name', () => honest({ entityId: '' }), 'metadata_invalid', /entityID/],
  ['a name without end', () => honest({ entityId: 'x'.repeat(1025) }), 'metadata_invalid', /entityID/],
  ['an end that has passed', () => honest({ entity: over }), 'metadata_invalid', /expired at 2020/],
  ['an end of its list that has passed', () => around(entity(), over), 'metadata_invalid', /expired at 2020/],
  [
    'an end of its descriptor that has passed',
    () => honest({ descriptor: `${spoken} ${over}` }),
    'metadata_invalid',
    /expired at 2020/,
  ],
  ['an end that is no time', () => honest({ entity: 'validUntil="soon"' }), 'metadata_invalid', /validUntil/],
];

const locations: readonly Row[] = [
  [
    'a way in by plain http',
    () => honest({ services: service('http://idp.example/sso') }),
    'metadata_invalid',
    /https/,
  ],
  [
    'a way in by plain http to a private network',
    () => honest({ services: service('http://10.0.0.5/sso') }),
    'metadata_invalid',
    /https/,
  ],
  ['a way in by a script', () => honest({ services: service('javascript:alert(1)') }), 'metadata_invalid', /https/],
  [
    'a way in with a password',
    () => honest({ services: service('https://user:password@idp.example/') }),
    'metadata_invalid',
    /https/,
  ],
  [
    'a way out by plain http',
    () => honest({ services: sso + service('http://idp.example/', postBinding, 'SingleLogoutService') }),
    'metadata_invalid',
    /https/,
  ],
  [
    'no way in by a browser',
    () => honest({ services: service('https://idp.example/', 'urn:oasis:names:tc:SAML:2.0:bindings:SOAP') }),
    'metadata_invalid',
    /no SingleSignOnService/,
  ],
];

const certificates: readonly (readonly [string, () => readonly string[], string, RegExp])[] = [
  ['RSA of 1024 bits', () => [weakCertificates.weak], 'certificate_invalid', /1024 bits/],
  ['RSA of 1024 bits beside a good one', () => [idpCertificate, weakCertificates.weak], 'certificate_invalid', /1024/],
  ['the curve of Bitcoin', () => [weakCertificates.secp256k1], 'certificate_invalid', /another curve/],
  ['a curve of Brainpool', () => [weakCertificates.brainpool], 'certificate_invalid', /another curve/],
  ['a curve of 192 bits', () => [weakCertificates.p192], 'certificate_invalid', /another curve/],
  ['Ed25519, which XML signatures have not', () => [weakCertificates.ed25519], 'certificate_invalid', /kind/],
  ['no certificate but base64', () => ['AAAA'], 'certificate_invalid', /cannot be read/],
  ['no base64', () => ['not a certificate!'], 'certificate_invalid', /cannot be read/],
  ['half a certificate', () => [weakCertificates.secp256k1.slice(0, 200)], 'certificate_invalid', /cannot be read/],
  ['a certificate that has expired', () => [old], 'metadata_invalid', /have expired/],
  ['eleven certificates', () => others, 'metadata_invalid', /more than ten/],
];

const keys: readonly Row[] = [
  ...certificates.map(
    ([title, pems, code, tells]): Row => [`keys: ${title}`, () => honest({ certificates: pems() }), code, tells],
  ),
  ['no key', () => honest({ certificates: [] }), 'metadata_invalid', /no signing certificate/],
  [
    'a key for encryption only',
    () => honest({ certificates: [], services: keyDescriptor(idpCertificate, ' use="encryption"') + sso }),
    'metadata_invalid',
    /no signing certificate/,
  ],
];

/** What the audit tells of refusals of this target. */
async function told(targetId: string, type = 'connection.refused') {
  const path = `/api/v1/organizations/${organizationId}/audit?targetId=${targetId}&type=${type}&limit=200`;
  return (await ask(200, 'get', path)).items;
}

/** Runs what is refused; the audit tells of it as often, and why. */
async function audited(targetId: string, times: number, code: string, tells: RegExp, work: () => Promise<unknown>) {
  const before = (await told(targetId)).length;
  await work();
  const events = await told(targetId);
  expect(events).toHaveLength(before + times);
  for (const event of events.slice(0, times))
    expect(event).toMatchObject({ outcome: 'refused', after: { code }, detail: expect.stringMatching(tells) });
}

const one = () => `${home}/${connectionId}`;
const make = (status: number, saml: object) => ask(status, 'post', home, { name: 'IdP', saml });

let hours = 0;
async function refresh(): Promise<void> {
  hours += 7;
  const at = new Date(Date.now() + hours * 3_600_000);
  await refreshMetadataLater(gatehouse.store, { actor: 'job:refresh', requestId: 'test' }, { at, goOn: () => true });
  await gatehouse.queue?.idle();
}

describe.each([
  ['as a document', documents],
  ['in its entities', entities],
  ['in its addresses', locations],
  ['in its keys', keys],
] as const)('metadata that is hostile %s is refused by every door (SSO-1)', (_part, rows) => {
  test.each(rows)('%s', async (_title, write, code, tells) => {
    const [bad, good] = [write(), honest()];
    const { saml: before } = await ask(200, 'get', one());
    published = bad;
    await audited(organizationId, 2, code, tells, async () => {
      for (const saml of [{ metadataXml: bad }, { metadataUrl }]) {
        const { code: found, detail } = await make(400, saml);
        expect([found, detail]).toEqual([code, expect.stringMatching(tells)]);
        expect(detail).not.toMatch(/root:|node_modules/);
      }
    });
    await audited(connectionId, 1, code, tells, () => ask(400, 'patch', one(), { saml: { metadataXml: bad } }));
    expect((await ask(200, 'get', home)).items).toMatchObject([{ id: connectionId, saml: before }]);

    const failures = (await told(connectionId, 'connection.metadata_failed')).length;
    await refresh();
    const { saml } = await ask(200, 'get', one());
    expect(saml).toMatchObject({ ...before, metadata: { fault: expect.stringMatching(tells) } });
    const failed = await told(connectionId, 'connection.metadata_failed');
    expect(failed).toHaveLength(failures + 1);
    expect(failed[0]).toMatchObject({ detail: expect.stringMatching(tells) });

    // The same without the flaw: when it is read again, as a text, at its address.
    published = good;
    await refresh();
    expect((await ask(200, 'get', one())).saml.metadata.fault).toBeUndefined();
    await ask(200, 'patch', one(), { saml: { metadataXml: good } });
    await ask(200, 'patch', one(), { saml: { metadataUrl } });
  });
});

test('metadata of more than 512 KiB is refused at its address, and as text long before', async () => {
  published = inside(`<x>${'x'.repeat(530_000)}</x>`);
  await audited(organizationId, 1, 'metadata_invalid', /longer than 524288 bytes/, () => make(400, { metadataUrl }));
  const text = inside(`<x>${'x'.repeat(260_000)}</x>`);
  expect(await make(400, { metadataXml: text })).toMatchObject({ code: 'invalid_request' });
  published = text;
  await ask(200, 'patch', one(), { saml: { metadataUrl } });
});

describe('certificates that are given by hand', () => {
  const fields = { entityId: 'https://idp.example/entity', ssoUrl: 'https://idp.example/sso' };

  test.each(certificates)('%s', async (_title, pems, code, tells) => {
    // What is wrong with all of them together is wrong with the request.
    const own = code === 'certificate_invalid';
    const expected = own ? code : 'invalid_request';
    await audited(organizationId, own ? 1 : 0, code, tells, async () => {
      expect((await make(400, { ...fields, certificates: pems() })).code).toBe(expected);
    });
    const byHand = { ...fields, metadataUrl: null };
    await ask(200, 'patch', one(), { saml: { ...byHand, certificates: [idpCertificate] } });
    await audited(connectionId, own ? 1 : 0, code, tells, async () => {
      expect((await ask(400, 'patch', one(), { saml: { certificates: pems() } })).code).toBe(expected);
    });
    expect((await ask(200, 'get', one())).saml.certificates).toHaveLength(1);
  });
});
