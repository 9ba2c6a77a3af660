/** Ways back in that are shut: for who is blocked (MEM-4), and through what somebody may not give. */
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { suspendMember } from '../../src/access/index.ts';
import { buildWorld, expectStatus, openPerson, type World } from '../http/world.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';

let now = Date.UTC(2030, 0, 1);
let mailbox: Mailbox;
let gatehouse: TestGatehouse;
let acme: World;
let home: string;

beforeAll(async () => {
  mailbox = await openMailbox();
  gatehouse = await openTestGatehouse({
    rehearse: false,
    clock: { now: () => new Date(now) },
    env: { SMTP_URL: mailbox.url },
  });
  acme = await buildWorld(gatehouse, 'acme');
  home = `/api/v1/organizations/${acme.organizationId}`;
});

beforeEach(() => {
  // rates fill up again between tests
  now += 60 * 60_000;
});

type Verb = 'get' | 'post' | 'patch' | 'delete';
const ask = (method: Verb, path: string, body?: object, as?: string) => gatehouse.operator(method, path, as).send(body);
const expectOf = (status: number, ...asked: Parameters<typeof ask>) => expectStatus(status, ask(...asked));
const join = async (email: string, role: 'admin' | 'member') => {
  const person = await openPerson(gatehouse, email);
  const { id } = await expectOf(201, 'post', `${home}/members`, { accountId: person.accountId, role });
  return { ...person, memberId: id, path: `${home}/members/${id}` };
};

describe('somebody who was removed and blocked', () => {
  test('is not let back in as an External Collaborator, by nobody (MEM-4, PRJ-4)', async () => {
    const blocked = await join('shut-out@people.example', 'member');
    await expectOf(200, 'delete', `${blocked.path}?block=true`);
    const collaborators = `/api/v1/projects/${acme.projectId}/collaborators`;
    await expectOf(201, 'post', collaborators, { email: acme.member.email, role: 'admin' });
    for (const asker of [acme.member, acme.admin, acme.owner]) {
      const body = { email: blocked.email, role: 'admin', external: true };
      const refused = await ask('post', collaborators, body, asker.accountId);
      expect([refused.status, refused.body.code]).toEqual([403, 'member_blocked']);
    }
    await expectOf(404, 'get', `/api/v1/projects/${acme.projectId}`, undefined, blocked.accountId);
  });
});

const tokenTo = async (email: string): Promise<string> => {
  const { link } = (await mailbox.waitFor(email)).at(-1) ?? {};
  return new URL(link ?? '').searchParams.get('token') ?? '';
};
const accept = (token: string) => gatehouse.request.post('/api/v1/invitations/accept').send({ token });
const stateOf = async (id: string) => (await expectOf(200, 'get', `${home}/invitations/${id}`)).state;
const auditOf = async (targetId: string): Promise<string[]> =>
  (await expectStatus(200, gatehouse.operator('get', `${home}/audit`).query({ targetId }))).items.map(
    ({ type }: { type: string }) => type,
  );

describe('an invitation', () => {
  test.each([
    ['removed', (path: string) => expectOf(200, 'delete', path)],
    ['removed and blocked', (path: string) => expectOf(200, 'delete', `${path}?block=true`)],
    ['demoted', (path: string) => expectOf(200, 'patch', path, { role: 'member' })],
  ])('of an Admin who is %s is revoked with that, and lets nobody in (MEM-2, MEM-3)', async (how, end) => {
    const name = how.replaceAll(' ', '-');
    const rogue = await join(`${name}@people.example`, 'admin');
    const email = `${name}-again@people.example`;
    const invitation = await expectOf(201, 'post', `${home}/invitations`, { email, role: 'admin' }, rogue.accountId);
    const token = await tokenTo(email);
    await end(rogue.path);
    expect(await stateOf(invitation.id)).toBe('revoked');
    expect(await auditOf(invitation.id)).toEqual(['invitation.revoked', 'invitation.sent']);
    const refused = await accept(token);
    expect([refused.status, refused.body.code]).toEqual([409, 'invitation_closed']);
  });

  test('of a suspended Admin waits: its link says so, no push adopts it, and whoever sends it again stands for it (MEM-2)', async () => {
    const away = await join('away@people.example', 'admin');
    const email = 'friend@people.example';
    const friend = await openPerson(gatehouse, email);
    const invitation = await expectOf(201, 'post', `${home}/invitations`, { email, role: 'admin' }, away.accountId);
    const token = await tokenTo(email);
    await gatehouse.store.transaction({ actor: 'operator', requestId: 'test' }, (tx) =>
      suspendMember(tx, acme.organizationId, away.memberId),
    );
    const refused = await accept(token);
    expect([refused.status, refused.body.code]).toEqual([409, 'invitation_closed']);
    expect(refused.body.detail).toContain('may no longer invite');
    const page = await gatehouse.request.get('/sign-in/invitation').query({ token });
    expect(page.text).toContain('may no longer invite');
    const member = await expectOf(201, 'post', `${home}/members`, { accountId: friend.accountId, role: 'member' });
    expect([(await expectOf(200, 'get', `${home}/members/${member.id}`)).role, await stateOf(invitation.id)]).toEqual([
      'member',
      'pending',
    ]);
    await expectOf(200, 'delete', `${home}/members/${member.id}`);
    const other = { email: 'other-friend@people.example' };
    const second = await expectOf(201, 'post', `${home}/invitations`, other, acme.admin.accountId);
    const resent = await expectOf(200, 'post', `${home}/invitations/${second.id}/resend`, {}, acme.owner.accountId);
    expect(resent.invitedBy).toBe(`account:${acme.owner.accountId}`);
  });

  test('gives no role in a project to which its sender could not add anybody (PRJ-5)', async () => {
    const secret = await expectOf(201, 'post', `${home}/projects`, { name: 'Secret merger' });
    const asAdmin = (body: object) => ask('post', `${home}/invitations`, body, acme.admin.accountId);
    const named = { email: 'sock@people.example', projects: [{ projectId: secret.id, role: 'admin' }] };
    const sent = await expectStatus(201, asAdmin({ ...named, email: 'early@people.example' }));
    const token = await tokenTo('early@people.example');
    await expectOf(200, 'patch', home, { settings: { adminAccess: 'joined' } });
    const refused = await asAdmin(named);
    expect([refused.status, refused.body.code]).toEqual([404, 'not_found']);
    await expectOf(404, 'post', `${home}/invitations/${sent.id}/resend`, {}, acme.admin.accountId);
    const { accountId } = await expectStatus(200, accept(token));
    await expectOf(404, 'get', `/api/v1/projects/${secret.id}`, undefined, accountId);
    await expectOf(200, 'patch', home, { settings: { adminAccess: 'all' } });
    await expectOf(200, 'patch', `/api/v1/projects/${secret.id}`, { archived: true });
    for (const asker of [undefined, acme.admin.accountId]) {
      const archived = await ask('post', `${home}/invitations`, named, asker);
      expect([archived.status, archived.body.code]).toEqual([409, 'project_archived']);
    }
  });
});
