/** From where a push came, in the audit: as the management API tells it (AUD-1). */
import { beforeAll, expect, test } from '@jest/globals';
import { openWorld, ownerEmail, PATCH, type ScimWorld, USER } from './setup.ts';

const userAgent = 'Okta SCIM Client 1.0.0';
const from = { address: expect.stringMatching(/127\.0\.0\.1|::1/), userAgent };
let world: ScimWorld;

beforeAll(async () => {
  world = await openWorld();
});

const push = (method: 'post' | 'patch' | 'delete', path: string, body?: object) =>
  world.gatehouse
    .bearer(world.token, method, `/scim/v2/${world.directory._id}${path}`)
    .set('user-agent', userAgent)
    .send(body);
const user = (userName: string, more: object = {}) => ({ schemas: [USER], userName, active: true, ...more });
const eventsBy = (requestId: unknown) =>
  world.gatehouse.store.read.auditEvents.find(world.organizationId, { requestId: String(requestId) });

test('a person who is pushed, by themselves or in a bulk, and one who is taken out', async () => {
  const made = await push('post', '/Users', user('ann@acme.test'));
  expect(made.status).toBe(201);
  const id = String(made.body.id);
  const changes = { schemas: [PATCH], Operations: [{ op: 'replace', path: 'active', value: false }] };
  const bulk = {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
    Operations: [{ method: 'POST', path: '/Users', bulkId: 'b', data: user('ben@acme.test') }],
  };
  const answers = [
    made,
    await push('patch', `/Users/${id}`, changes),
    await push('post', '/Bulk', bulk),
    await push('delete', `/Users/${id}`),
  ];
  for (const { status, headers } of answers) {
    expect([200, 201, 204]).toContain(status);
    const events = await eventsBy(headers['x-request-id']);
    expect(events.length).toBeGreaterThan(0);
    for (const event of events) expect(event).toMatchObject({ actor: `directory:${world.directory._id}`, from });
  }
});

test('an Owner whom a push would take out (OWN-2)', async () => {
  const owner = await push('post', '/Users', user(ownerEmail, { emails: [{ value: ownerEmail, primary: true }] }));
  const refused = await push('delete', `/Users/${owner.body.id}`);
  expect(refused.status).toBe(403);
  const events = await eventsBy(refused.headers['x-request-id']);
  expect(events).toMatchObject([{ type: 'owner.deprovision_refused', from }]);
});
