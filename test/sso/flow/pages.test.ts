/** What browsers are told before any IdP is involved. */
import { beforeAll, expect, test } from '@jest/globals';
import { openTestGatehouse, type TestGatehouse } from '../../support/gatehouse.ts';

let gatehouse: TestGatehouse;
beforeAll(async () => {
  gatehouse = await openTestGatehouse();
});

test('a sign-in that was never begun here ends on a page that says so (OPS-1)', async () => {
  for (const state of ['', 'a', '0'.repeat(64), '<script>']) {
    const answer = await gatehouse.request.get('/sso/oidc/callback').query({ state, code: 'c' });
    expect(answer.headers['content-type']).toMatch('text/html');
    expect(answer.status).toBe(400);
    expect(answer.text).not.toContain('<script>');
  }
});

test('an unknown connection has no assertion consumer service, and starts nothing', async () => {
  const posted = await gatehouse.request.post('/sso/saml/con-x/acs').type('form').send({ SAMLResponse: 'PHg+' });
  expect(posted.status).toBe(404);
  const started = await gatehouse.request.get('/sso/start').query({ connection: 'con-x' });
  expect(started.status).toBe(404);
  expect(started.headers['content-type']).toMatch('text/html');
});

test.each([{}, { email: ['a', 'b'] }, { organization: '' }, { reauth: 'yes' }, { unknown: 'x' }])(
  'a link that cannot be understood is refused with a page: %j (OPS-1)',
  async (query) => {
    const started = await gatehouse.request.get('/sso/start').query(query);
    expect(started.status).toBe(400);
    expect(started.headers['content-type']).toMatch('text/html');
  },
);
