/** Sessions that browsers send by themselves: accepted everywhere, and never for another site (SSO-7, CSRF). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { apiRoutes } from '../../../src/http/api/index.ts';
import { bodies, nameOf, pathIn } from '../../http/samples.ts';
import { buildWorld, expectStatus, type World } from '../../http/world.ts';
import { openTestGatehouse, type TestGatehouse } from '../../support/gatehouse.ts';
import { browse, openSessionOf } from './people.ts';

let gatehouse: TestGatehouse;
let acme: World;
let home: string;
let token: string;

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ rehearse: false });
  acme = await buildWorld(gatehouse, 'acme');
  home = `/api/v1/organizations/${acme.organizationId}`;
  ({ token } = await openSessionOf(gatehouse, acme.admin.accountId));
});

const unsafe = apiRoutes.filter(({ access, method }) => access !== 'public' && method !== 'get');

describe.each(unsafe.map((route) => [nameOf(route), route] as const))('%s', (name, route) => {
  const send = (headers: Record<string, string | undefined>) =>
    browse(gatehouse, token, route.method, pathIn(route, acme), headers).send(bodies[name]?.(acme));

  test.each([
    ['another site', { Origin: 'https://evil.test' }],
    ['a page that hides where it is', { Origin: 'null' }],
    ['our own name on another port', { Origin: 'http://gatehouse.test:8080' }],
    ['another site that says so in Sec-Fetch-Site only', { Origin: undefined, 'Sec-Fetch-Site': 'cross-site' }],
    ['a sibling of our host', { Origin: undefined, 'Sec-Fetch-Site': 'same-site' }],
    ['nobody knows where', { Origin: undefined }],
    ['our own page without the header that no form can send', { 'Gatehouse-CSRF': undefined }],
  ])('refuses the cookie from %s', async (_title, headers) => {
    const answer = await send(headers);
    expect([answer.status, answer.body.code]).toEqual([403, 'csrf_refused']);
    expect(answer.body.detail).toContain('Gatehouse-CSRF: 1');
  });
});

describe('the session cookie', () => {
  test('reads and changes as the same token in the header does, from our own pages', async () => {
    const byCookie = await expectStatus(200, browse(gatehouse, token, 'get', home));
    const byHeader = await expectStatus(200, gatehouse.bearer(token, 'get', home));
    expect(byCookie).toEqual(byHeader);
    const changed = browse(gatehouse, token, 'patch', home).send({ name: 'By cookie' });
    expect((await expectStatus(200, changed)).name).toBe('By cookie');
    const bySite = { Origin: undefined, 'Sec-Fetch-Site': 'same-origin' };
    await expectStatus(200, browse(gatehouse, token, 'patch', home, bySite).send({ name: 'By its site' }));
  });

  test('reads without any header of ours, since an answer is closed to other sites anyway', async () => {
    const headers = { Origin: undefined, 'Gatehouse-CSRF': undefined };
    const answer = await browse(gatehouse, token, 'get', home, headers);
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('is not looked at where there is an Authorization header', async () => {
    const asMember = { Authorization: `Bearer ${acme.member.token}` };
    const me = await expectStatus(200, browse(gatehouse, token, 'get', '/api/v1/me', asMember));
    expect(me.id).toBe(acme.member.accountId);
    const wrong = await browse(gatehouse, token, 'get', '/api/v1/me', { Authorization: 'Bearer wrong' });
    expect([wrong.status, wrong.body.code]).toEqual([401, 'token_invalid']);
    // the header needs no protection: no browser sends it by itself
    const foreign = { ...asMember, Origin: 'https://evil.test', 'Gatehouse-CSRF': undefined };
    await expectStatus(200, browse(gatehouse, token, 'delete', '/api/v1/me/sessions', foreign));
  });

  test.each(['', 'ghs_', 'wrong', `ghs_${'0'.repeat(64)}`])('that is %j is nobody', async (value) => {
    const answer = await browse(gatehouse, value, 'get', '/api/v1/me');
    expect([answer.status, answer.body.code]).toEqual([401, 'token_invalid']);
  });

  test("never carries the operator's token", async () => {
    const answer = await browse(gatehouse, gatehouse.operatorToken, 'get', '/api/v1/organizations');
    expect([answer.status, answer.body.code]).toEqual([401, 'token_invalid']);
  });

  test('of the other scheme is none: over https only the one with the prefix of the host counts', async () => {
    const secure = await openTestGatehouse({ env: { GATEHOUSE_URL: 'https://gatehouse.test' } });
    const world = await buildWorld(secure, 'secure');
    const own = await openSessionOf(secure, world.member.accountId);
    const ask = (name: string) => secure.request.get('/api/v1/me').set('Cookie', `${name}=${own.token}`);
    expect((await ask('__Host-gatehouse')).status).toBe(200);
    expect((await ask('gatehouse-session')).status).toBe(401);
    expect((await ask('__host-gatehouse')).status).toBe(401);
  });

  test('ends at once when the person ends the session (SSO-7)', async () => {
    const mine = await openSessionOf(gatehouse, acme.member.accountId);
    await expectStatus(204, browse(gatehouse, mine.token, 'delete', `/api/v1/me/sessions/${mine.id}`));
    expect((await browse(gatehouse, mine.token, 'get', '/api/v1/me')).status).toBe(401);
  });
});
