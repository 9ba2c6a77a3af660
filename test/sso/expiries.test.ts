/** Nothing expires by surprise: one list, and a warning for each step towards the end (OPS-3). */
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { warningOf } from '../../src/sso/expiries.ts';
import { warnOfExpiries } from '../../src/sso/tasks.ts';
import { samplePem } from '../http/samplePem.ts';
import { type Method, openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';
import { makeCertificate } from './idpMetadata.ts';

const day = 86_400_000;
let gatehouse: TestGatehouse;
let mailbox: Mailbox;
let now: number | undefined;
let home: string;
let organizationId: string;
let organizations = 0;

beforeAll(async () => {
  mailbox = await openMailbox();
  gatehouse = await openTestGatehouse({
    rehearse: false,
    clock: { now: () => new Date(now ?? Date.now()) },
    env: { SMTP_URL: mailbox.url },
  });
});

beforeEach(async () => {
  organizations += 1;
  const owner = { email: `owner@org${organizations}.example` };
  organizationId = (await ask(201, 'post', '/api/v1/organizations', { name: `Org ${organizations}`, owner })).id;
  home = `/api/v1/organizations/${organizationId}`;
});

async function ask(status: number, method: Method, path: string, body?: object) {
  const answer = await gatehouse.operator(method, path).send(body);
  if (answer.status !== status) throw new Error(`expected ${status}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const inDays = (days: number) => new Date(Date.now() + days * day);

describe('a warning', () => {
  const at = new Date('2026-01-01T00:00:00Z');
  test.each([
    [31, undefined],
    [30.01, undefined],
    [30, 30],
    [14.5, 30],
    [14, 14],
    [7.5, 14],
    [7, 7],
    [1.5, 7],
    [1, 1],
    [0.5, 1],
    [0, 0],
    [-100, 0],
  ])('with %p days left is that of %p days', (left, warning) => {
    expect(warningOf(new Date(at.getTime() + left * day), at)).toBe(warning);
  });
});

test('the list has everything with an end, the nearest first, and nothing that was revoked', async () => {
  const { directory, token } = await ask(201, 'post', `${home}/directories`, { name: 'Okta' });
  const path = `${home}/directories/${directory.id}`;
  const soon = await ask(201, 'post', `${path}/tokens`, { name: 'soon', expiresAt: inDays(5).toISOString() });
  const revoked = await ask(201, 'post', `${path}/tokens`, { name: 'revoked', expiresAt: inDays(5).toISOString() });
  await ask(200, 'delete', `${path}/tokens/${revoked.id}`);
  const { client, secret } = await ask(201, 'post', `${path}/oauth-clients`, {
    name: 'Entra',
    secretExpiresAt: inDays(20).toISOString(),
  });
  const key = await ask(201, 'post', `${path}/oauth-clients/${client.id}/keys`, {
    name: 'key',
    pem: samplePem(),
    expiresAt: inDays(40).toISOString(),
  });
  const certificate = await makeCertificate({ notAfterDate: inDays(10) });
  const saml = { entityId: 'https://idp.example', ssoUrl: 'https://idp.example/sso', certificates: [certificate] };
  const connection = await ask(201, 'post', `${home}/connections`, { name: 'IdP', saml });

  const { items } = await ask(200, 'get', `${home}/expiries`);
  const shown = items.map(({ kind, id, warn }: { kind: string; id: string; warn?: number }) => [kind, id, warn]);
  expect(shown).toEqual([
    ['scim_token', soon.id, 7],
    ['idp_certificate', connection.saml.certificates[0].fingerprint, 14],
    ['oauth_secret', secret.id, 30],
    ['oauth_key', key.id, undefined],
    ['connection_key', connection.keys[0].id, undefined],
  ]);
  expect(JSON.stringify(items)).not.toContain(token.id);
  expect(items[0]).toMatchObject({ name: 'soon', directoryId: directory.id, expiresAt: soon.expiresAt });
  expect(items[1]).toMatchObject({ name: 'IdP', connectionId: connection.id });
});

test('Admins are told by letter of all that ends, once a day at most, and only where something is new', async () => {
  const admin = await ask(201, 'post', '/api/v1/accounts', { email: `admin@org${organizations}.example` });
  await ask(201, 'post', `${home}/members`, { accountId: admin.id, role: 'admin' });
  const { directory } = await ask(201, 'post', `${home}/directories`, { name: 'Okta' });
  const tokens = `${home}/directories/${directory.id}/tokens`;
  const { store } = gatehouse;
  const letters = () => mailbox.to(`admin@org${organizations}.example`);
  const round = (at: Date) => {
    now = at.getTime();
    return warnOfExpiries(store, { actor: 'job:warn', requestId: 'test' }, { at, goOn: () => true });
  };
  const start = Date.now();
  const later = (hours: number) => new Date(start + hours * 3_600_000);
  await ask(201, 'post', tokens, { name: 'first', expiresAt: inDays(20).toISOString() });
  await round(later(0));
  await mailbox.waitFor(`admin@org${organizations}.example`);
  await mailbox.waitFor(`owner@org${organizations}.example`);
  expect(letters()[0]?.text).toContain('SCIM token "first" expires at');
  await ask(201, 'post', tokens, { name: 'second', expiresAt: inDays(25).toISOString() });
  for (const hours of [1, 2, 23]) await round(later(hours));
  expect(letters()).toHaveLength(1);
  await round(later(25));
  await mailbox.waitFor(`admin@org${organizations}.example`, 2);
  expect(letters()[1]?.text).toMatch(/"first" expires[\s\S]*"second" expires/);
  for (const hours of [50, 75]) await round(later(hours));
  const told = await store.read.auditEvents.find(organizationId, { type: 'expiry.announced' });
  expect(told.map(({ after }) => after)).toEqual([{ letters: 2 }, { letters: 2 }]);
  now = undefined;
});

test('the audit is told once for each thing and step, and anew where the end has moved', async () => {
  const { directory } = await ask(201, 'post', `${home}/directories`, { name: 'Okta' });
  const tokens = `${home}/directories/${directory.id}/tokens`;
  const token = await ask(201, 'post', tokens, { name: 'token', expiresAt: inDays(20).toISOString() });
  const round = (days: number) =>
    warnOfExpiries(gatehouse.store, { actor: 'job:warn', requestId: 'test' }, { at: inDays(days), goOn: () => true });
  const told = async () => {
    const rows = await gatehouse.store.read.auditEvents.find(organizationId, { type: 'expiry.warned' });
    return rows.map(({ targetId, after }) => [targetId, after?.days]);
  };
  await round(-20);
  expect(await told()).toEqual([]);
  for (const days of [0, 0.1, 1]) await round(days);
  expect(await told()).toEqual([[token.id, 30]]);
  for (const days of [13, 14, 19, 19.5, 20, 21, 22]) await round(days);
  expect(await told()).toEqual([30, 7, 1, 0].map((days) => [token.id, days]));
});
