/** IdPs' metadata read again by jobs: rollover, faults, recoveries (SSO-1). */
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { refreshMetadataLater } from '../../src/sso/tasks.ts';
import { type Method, openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { idpMetadata, makeCertificate, serve, service } from './idpMetadata.ts';

let gatehouse: TestGatehouse;
let organizationId: string;
let home: string;
let organizations = 0;

/** What the IdP answers with. */
let published: { readonly status?: number; readonly body: string };
let metadataUrl: string;
let [first, second, third]: [string, string, string] = ['', '', ''];

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ env: { GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true' } });
  metadataUrl = await serve((_request, response) => response.writeHead(published.status ?? 200).end(published.body));
  [first, second, third] = [await makeCertificate(), await makeCertificate(), await makeCertificate()];
});

beforeEach(async () => {
  organizations += 1;
  const owner = { email: `owner@org${organizations}.example` };
  organizationId = (await ask(201, 'post', '/api/v1/organizations', { name: `Org ${organizations}`, owner })).id;
  home = `/api/v1/organizations/${organizationId}/connections`;
});

async function ask(status: number, method: Method, path: string, body?: object) {
  const answer = await gatehouse.operator(method, path).send(body);
  if (answer.status !== status) throw new Error(`expected ${status}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function connect(...certificates: string[]) {
  published = { body: idpMetadata({ certificates }) };
  return ask(201, 'post', home, { name: 'IdP', saml: { metadataUrl, requireEncryption: true } });
}

let hours = 0;
/** Some hours later: the round asks for what is due, and its jobs run. */
async function refresh(passed = 7): Promise<void> {
  hours += passed;
  const at = new Date(Date.now() + hours * 3_600_000);
  await refreshMetadataLater(gatehouse.store, { actor: 'job:refresh', requestId: 'test' }, { at, goOn: () => true });
  await gatehouse.queue?.idle();
}

const read = async (id: string) => (await ask(200, 'get', `${home}/${id}`)).saml;
const pems = ({ certificates }: { certificates: { pem: string }[] }) => certificates.map(({ pem }) => pem.trim());
const asKept = (...certificates: string[]) => certificates.map((pem) => pem.replaceAll('\r', '').trim());

async function told(id: string): Promise<readonly string[]> {
  const rows = await gatehouse.store.read.auditEvents.find(organizationId, { targetId: id });
  return rows.map(({ type }) => type).filter((type) => type.startsWith('connection.metadata'));
}

describe('metadata that is read again', () => {
  test('brings new certificates and takes gone ones; what the Admin chose stays', async () => {
    const { id } = await connect(first);
    published = { body: idpMetadata({ certificates: [first, second] }) };
    await refresh();
    expect(pems(await read(id))).toEqual(asKept(first, second));
    published = {
      body: idpMetadata({ certificates: [second, third], services: service('https://idp.example/moved') }),
    };
    await refresh();
    const moved = await read(id);
    expect(pems(moved)).toEqual(asKept(second, third));
    expect(moved).toMatchObject({ ssoUrl: 'https://idp.example/moved', requireEncryption: true, metadataUrl });
    expect(await told(id)).toEqual(['connection.metadata_refreshed', 'connection.metadata_refreshed']);
  });

  test('says nothing where nothing has changed', async () => {
    const { id } = await connect(first);
    const before = await read(id);
    await refresh();
    const after = await read(id);
    expect({ ...after, metadata: undefined }).toEqual({ ...before, metadata: undefined });
    expect(await told(id)).toEqual([]);
  });

  test.each<[string, () => { readonly status?: number; readonly body: string }]>([
    ['is not there', () => ({ status: 503, body: 'later' })],
    ['is empty', () => ({ body: '' })],
    ['is a page', () => ({ body: '<html></html>' })],
    ['has no certificate', () => ({ body: idpMetadata({ certificates: [] }) })],
    [
      'has expired',
      () => ({ body: idpMetadata({ certificates: [second], entity: 'validUntil="2020-01-01T00:00:00Z"' }) }),
    ], // prettier-ignore
    ['is another IdP’s', () => ({ body: idpMetadata({ certificates: [second], entityId: 'https://other.example' }) })],
    ['is endless', () => ({ body: 'x'.repeat(2_000_000) })],
  ])('changes nothing where it %s, and that is told of once', async (_what, answer) => {
    const { id } = await connect(first);
    published = answer();
    await refresh();
    const failed = await read(id);
    expect(pems(failed)).toEqual(asKept(first));
    expect(failed.entityId).toBe('https://idp.example/entity');
    expect(failed.metadata).toMatchObject({ fault: expect.any(String), faultSince: expect.any(String) });
    await refresh();
    expect((await read(id)).metadata.faultSince).toBe(failed.metadata.faultSince);
    expect(await told(id)).toEqual(['connection.metadata_failed']);
    published = { body: idpMetadata({ certificates: [first] }) };
    await refresh();
    expect((await read(id)).metadata.fault).toBeUndefined();
    expect(await told(id)).toEqual(['connection.metadata_failed', 'connection.metadata_recovered']);
  });

  test('is left alone where it is not due, kept by hand, or its connection has gone', async () => {
    const { id } = await connect(first);
    const byHand = await connect(first);
    const gone = await connect(first);
    await ask(200, 'patch', `${home}/${byHand.id}`, { saml: { metadataUrl: null } });
    published = { body: idpMetadata({ certificates: [second] }) };
    const at = new Date(Date.now() + 3_600_000);
    const cause = { actor: 'job:refresh', requestId: 'test' };
    await refreshMetadataLater(gatehouse.store, cause, { at, goOn: () => true });
    expect(await gatehouse.store.read.outbox.count(organizationId, { job: 'refresh-metadata' })).toBe(0);
    await ask(204, 'delete', `${home}/${gone.id}`);
    await refresh();
    expect(pems(await read(id))).toEqual(asKept(second));
    expect(pems(await read(byHand.id))).toEqual(asKept(first));
  });
});
