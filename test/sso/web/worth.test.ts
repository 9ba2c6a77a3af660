/** What a session is worth, route by route (SSO-5, SSO-7, PRJ-6, MEM-5). */
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { noteIdpSession } from '../../../src/access/index.ts';
import { apiRoutes } from '../../../src/http/api/index.ts';
import { newId } from '../../../src/lib/ids.ts';
import { getConnection } from '../../../src/sso/connections.ts';
import { type Connection, PLATFORM } from '../../../src/store/index.ts';
import { bodies, nameOf, pathIn } from '../../http/samples.ts';
import { buildWorld, expectStatus, openPerson, type World } from '../../http/world.ts';
import { openTestGatehouse, type TestGatehouse, testBaseUrl } from '../../support/gatehouse.ts';
import { idpCertificate } from '../../support/idpCertificate.ts';
import { browse, openConnection, openSessionOf, through } from './people.ts';

let gatehouse: TestGatehouse;
let acme: World;
let rival: World;
let okta: Connection;
let rivals: Connection;
let home: string;

const settings = (change: object, organizationId = acme.organizationId) =>
  gatehouse.operator('patch', `/api/v1/organizations/${organizationId}`).send({ settings: change });

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ rehearse: false });
  acme = await buildWorld(gatehouse, 'acme');
  rival = await buildWorld(gatehouse, 'rival');
  home = `/api/v1/organizations/${acme.organizationId}`;
  okta = await openConnection(gatehouse, acme.organizationId);
  rivals = await openConnection(gatehouse, rival.organizationId);
});

beforeEach(async () => {
  await expectStatus(200, settings({ ssoEnforced: true, trustedSessions: 'external_collaborators' }));
});

const permitted = apiRoutes.filter(({ access }) => typeof access === 'object');

describe('where SSO is enforced', () => {
  test.each(permitted.map((route) => [nameOf(route), route] as const))(
    '%s asks an Admin who came by a mailed link to sign in through the connection (SSO-5)',
    async (name, route) => {
      const { token } = await openSessionOf(gatehouse, acme.admin.accountId);
      const answer = await browse(gatehouse, token, route.method, pathIn(route, acme)).send(bodies[name]?.(acme));
      expect([answer.status, answer.body.code]).toEqual([403, 'step_up_required']);
      const { organizationId } = acme;
      const signInUrl = `${testBaseUrl}/sso/start?connection=${okta._id}`;
      expect(answer.body.details).toEqual({ organizationId, signInUrl });
    },
  );

  test('a session that the operator made has to step up as any other, and counts elsewhere (SSO-5)', async () => {
    const made = gatehouse.operator('post', '/api/v1/sessions').send({ accountId: acme.admin.accountId });
    const { token } = await expectStatus(201, made);
    expect((await browse(gatehouse, token, 'get', `${home}/members`)).body.code).toBe('step_up_required');
    await expectStatus(200, settings({ ssoEnforced: false }));
    await expectStatus(200, browse(gatehouse, token, 'get', `${home}/members`));
  });

  test('the same person passes with a session through the connection', async () => {
    const { token } = await openSessionOf(gatehouse, acme.admin.accountId, (at) => [through(okta, at)]);
    await expectStatus(200, browse(gatehouse, token, 'get', `${home}/members`));
  });

  test("another organization's IdP is not enough, however far its sessions are trusted", async () => {
    await expectStatus(200, settings({ trustedSessions: 'everybody' }));
    const { token } = await openSessionOf(gatehouse, acme.admin.accountId, (at) => [through(rivals, at)]);
    expect((await browse(gatehouse, token, 'get', home)).body.code).toBe('step_up_required');
  });

  test('the Owner passes with a mailed link alone (OWN-5)', async () => {
    const { token } = await openSessionOf(gatehouse, acme.owner.accountId);
    await expectStatus(200, browse(gatehouse, token, 'get', `${home}/members`));
  });

  test('an External Collaborator is asked for nothing more (PRJ-6)', async () => {
    const guest = await openPerson(gatehouse, 'guest@else.example');
    const collaborators = `/api/v1/projects/${acme.projectId}/collaborators`;
    const added = gatehouse.operator('post', collaborators).send({ email: guest.email, external: true });
    await expectStatus(201, added);
    for (const proofs of [undefined, (at: Date) => [through(rivals, at)]]) {
      const { token } = await openSessionOf(gatehouse, guest.accountId, proofs);
      await expectStatus(200, browse(gatehouse, token, 'get', `/api/v1/projects/${acme.projectId}`));
    }
    await expectStatus(200, settings({ trustedSessions: 'nobody' }));
    const { token } = await openSessionOf(gatehouse, guest.accountId, (at) => [through(rivals, at)]);
    const refused = await browse(gatehouse, token, 'get', `/api/v1/projects/${acme.projectId}`);
    expect([refused.status, refused.body.code]).toEqual([403, 'step_up_required']);
  });

  test('who is nobody there learns nothing, not even that a step-up would help (PRJ-1)', async () => {
    const { token } = await openSessionOf(gatehouse, rival.member.accountId);
    expect((await browse(gatehouse, token, 'get', home)).status).toBe(404);
  });

  test('other organizations are not touched', async () => {
    const add = gatehouse.operator('post', `/api/v1/organizations/${rival.organizationId}/members`);
    await expectStatus(201, add.send({ accountId: acme.member.accountId }));
    const { token } = await openSessionOf(gatehouse, acme.member.accountId);
    await expectStatus(200, browse(gatehouse, token, 'get', `/api/v1/organizations/${rival.organizationId}`));
    const me = await expectStatus(200, browse(gatehouse, token, 'get', '/api/v1/me'));
    const shown = new Map(me.organizations.map((one: { id: string }) => [one.id, one]));
    expect(shown.get(acme.organizationId)).toEqual({
      id: acme.organizationId,
      name: expect.any(String),
      external: false,
      session: 'step_up',
      signInUrl: `${testBaseUrl}/sso/start?connection=${okta._id}`,
    });
    expect(shown.get(rival.organizationId)).toMatchObject({ session: 'counts', role: 'member' });
    const { items } = await expectStatus(200, browse(gatehouse, token, 'get', '/api/v1/me/projects'));
    const organizations = new Set(items.map((one: { organizationId: string }) => one.organizationId));
    expect([...organizations]).toEqual([rival.organizationId]);
  });
});

test('SSO is enforced only where somebody could come through (SSO-5)', async () => {
  const bare = await buildWorld(gatehouse, 'bare');
  await openConnection(gatehouse, bare.organizationId, { status: 'tested' });
  const refused = await settings({ ssoEnforced: true }, bare.organizationId);
  expect([refused.status, refused.body.code]).toEqual([409, 'no_active_connection']);
  await openConnection(gatehouse, bare.organizationId);
  const { settings: now } = await expectStatus(200, settings({ ssoEnforced: true }, bare.organizationId));
  expect(now).toMatchObject({ ssoEnforced: true, trustedSessions: 'external_collaborators', multiProject: true });
});

test('the way to step up is the connection that the person has come through before, else a choice (SSO-5)', async () => {
  const many = await buildWorld(gatehouse, 'many');
  const first = await openConnection(gatehouse, many.organizationId, { name: 'Okta' });
  const second = await openConnection(gatehouse, many.organizationId, { name: 'Entra' });
  await openConnection(gatehouse, many.organizationId, { name: 'Old', status: 'disabled' });
  await expectStatus(200, settings({ ssoEnforced: true }, many.organizationId));
  const { accountId } = many.member;
  const { token } = await openSessionOf(gatehouse, accountId);
  const ask = async () => {
    const answer = await browse(gatehouse, token, 'get', `/api/v1/organizations/${many.organizationId}`);
    return answer.body.details.signInUrl;
  };
  expect(await ask()).toBe(`${testBaseUrl}/sign-in?organization=many`);
  const { organizationId } = many;
  await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
    tx.identities.insert(organizationId, {
      _id: 'idn-1',
      organizationId,
      connectionId: second._id,
      subject: 's',
      accountId,
      link: 'linked',
    }),
  );
  expect(await ask()).toBe(`${testBaseUrl}/sso/start?connection=${second._id}`);
  expect(first._id).not.toBe(second._id);
});

describe('introspection', () => {
  const introspect = (token: string) =>
    expectStatus(200, gatehouse.operator('post', '/api/v1/sessions/introspect').send({ token }));

  test('tells of every organization of the person whether the session counts, needs a step-up, or was ended (SSO-5)', async () => {
    const person = await openPerson(gatehouse, 'everywhere@people.example');
    const ended = await buildWorld(gatehouse, 'ended');
    for (const { organizationId } of [acme, rival, ended]) {
      const members = gatehouse.operator('post', `/api/v1/organizations/${organizationId}/members`);
      await expectStatus(201, members.send({ accountId: person.accountId }));
    }
    const { token } = await openSessionOf(gatehouse, person.accountId);
    const { items } = await expectStatus(
      200,
      gatehouse.operator('get', `/api/v1/organizations/${ended.organizationId}/members`),
    );
    const { id } = items.find((one: { accountId: string }) => one.accountId === person.accountId);
    const path = `/api/v1/organizations/${ended.organizationId}/members/${id}/sessions`;
    await expectStatus(200, gatehouse.operator('delete', path));
    const answer = await introspect(token);
    expect(answer.organizations).toEqual([rival.organizationId]);
    const signInUrl = `${testBaseUrl}/sso/start?connection=${okta._id}`;
    expect(answer.standings).toHaveLength(3);
    expect(answer.standings).toEqual(
      expect.arrayContaining([
        { organizationId: acme.organizationId, session: 'step_up', signInUrl },
        { organizationId: rival.organizationId, session: 'counts' },
        { organizationId: ended.organizationId, session: 'ended' },
      ]),
    );
  });
});

describe('a connection that is switched off', () => {
  const connect = async ({ organizationId }: World, name: string): Promise<Connection> => {
    const connections = `/api/v1/organizations/${organizationId}/connections`;
    const saml = {
      entityId: 'https://idp.example/compromised',
      ssoUrl: 'https://idp.example/sso',
      certificates: [idpCertificate],
    };
    const { id } = await expectStatus(201, gatehouse.operator('post', connections).send({ name, saml }));
    const activated = gatehouse.operator('patch', `${connections}/${id}`).send({ status: 'active', force: true });
    await expectStatus(200, activated);
    return getConnection(gatehouse.store.read, organizationId, id);
  };
  const known = ({ _id: connectionId, organizationId }: Connection, accountId: string) =>
    gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
      tx.identities.insert(organizationId, {
        _id: newId('identity'),
        organizationId,
        connectionId,
        subject: accountId,
        accountId,
        link: 'linked',
      }),
    );
  const switchOff = {
    disabled: (path: string) => expectStatus(200, gatehouse.operator('patch', path).send({ status: 'disabled' })),
    deleted: (path: string) => expectStatus(204, gatehouse.operator('delete', path)),
  };

  test.each(Object.entries(switchOff))(
    'and is %s ends what it has proven in sessions, and nothing else (SSO-1, SSO-7)',
    async (how, off) => {
      await expectStatus(200, settings({ ssoEnforced: false }));
      const compromised = await connect(acme, how);
      for (const { accountId } of [acme.admin, acme.owner, acme.member]) await known(compromised, accountId);
      const alone = await openSessionOf(gatehouse, acme.admin.accountId, (at) => [through(compromised, at)]);
      const byMail = await openSessionOf(gatehouse, acme.owner.accountId, (at) => [
        { kind: 'mailbox', at: new Date(at.getTime() - 60 * 60_000) },
        through(compromised, at, true),
      ]);
      const byOther = await openSessionOf(gatehouse, acme.member.accountId, (at) => [
        through(compromised, at),
        through(okta, at),
      ]);
      const unnamed = await openPerson(gatehouse, `unnamed-${how}@people.example`);
      const noted = await openSessionOf(gatehouse, unnamed.accountId, (at) => [through(compromised, at)]);
      const row = await gatehouse.store.read.sessions.get(PLATFORM, noted.id);
      await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, async (tx) => {
        if (row) await noteIdpSession(tx, compromised, { index: 'sid-1' }, row);
      });
      const me = ({ token }: { readonly token: string }) => browse(gatehouse, token, 'get', '/api/v1/me');
      for (const session of [alone, byMail, byOther, noted]) await expectStatus(200, me(session));

      await off(`${home}/connections/${compromised._id}`);

      const statuses = await Promise.all([alone, byMail, byOther, noted].map(async (one) => (await me(one)).status));
      expect(statuses).toEqual([401, 200, 200, 401]);
      await expectStatus(200, browse(gatehouse, byMail.token, 'get', `${home}/members`));
      await expectStatus(200, browse(gatehouse, byOther.token, 'get', home));
      const transfer = { memberId: acme.admin.memberId };
      const offer = await browse(gatehouse, byMail.token, 'post', `${home}/ownership-transfer`).send(transfer);
      expect(offer.body.code).toBe('reauthentication_required');
      const { organizationId } = acme;
      expect(await gatehouse.store.read.idpSessions.count(organizationId, { connectionId: compromised._id })).toBe(0);
      const audit = await expectStatus(200, gatehouse.operator('get', `${home}/audit?type=connection.${how}`));
      expect(audit.items[0]).toMatchObject({ targetId: compromised._id, after: { sessionsEnded: 4 } });
    },
  );

  test('proves nothing any more when it is switched on again', async () => {
    const connection = await connect(rival, 'back again');
    const path = `/api/v1/organizations/${rival.organizationId}/connections/${connection._id}`;
    await known(connection, rival.member.accountId);
    const old = await openSessionOf(gatehouse, rival.member.accountId, (at) => [through(connection, at)]);
    await switchOff.disabled(path);
    await expectStatus(200, gatehouse.operator('patch', path).send({ status: 'active', force: true }));
    expect((await browse(gatehouse, old.token, 'get', '/api/v1/me')).status).toBe(401);
  });
});

describe('an evaluation that names a session', () => {
  const evaluate = (accountId: string, sessionId: string) =>
    expectStatus(
      200,
      gatehouse.operator('post', '/access/v1/evaluation').send({
        subject: { type: 'user', id: accountId },
        action: { name: 'project.read' },
        resource: { type: 'project', id: acme.defaultProjectId },
        context: { sessionId, other: 1 },
      }),
    );

  test('is decided with what the session is worth (SSO-5)', async () => {
    const { accountId } = acme.member;
    const linked = await openSessionOf(gatehouse, accountId);
    const denied = await evaluate(accountId, linked.id);
    expect([denied.decision, denied.context.reason.code]).toEqual([false, 'step_up_required']);
    const signedIn = await openSessionOf(gatehouse, accountId, (at) => [through(okta, at)]);
    expect((await evaluate(accountId, signedIn.id)).decision).toBe(true);
  });

  test('that is none of the person, or no longer, is denied', async () => {
    const other = await openSessionOf(gatehouse, acme.admin.accountId, (at) => [through(okta, at)]);
    for (const id of [other.id, 'ses-00000000000000000000000000', 'nonsense']) {
      const denied = await evaluate(acme.member.accountId, id);
      expect([denied.decision, denied.context.reason.code]).toEqual([false, 'session_ended']);
    }
  });
});

describe('sessions of a member', () => {
  test('an Admin sees those that count here, and ends them here only (SSO-5, SSO-7)', async () => {
    const person = await openPerson(gatehouse, 'two@people.example');
    const join = async ({ organizationId }: World) => {
      const members = gatehouse.operator('post', `/api/v1/organizations/${organizationId}/members`);
      return (await expectStatus(201, members.send({ accountId: person.accountId }))).id;
    };
    const [memberId] = [await join(acme), await join(rival)];
    const ours = await openSessionOf(gatehouse, person.accountId, (at) => [through(okta, at), through(rivals, at)]);
    await openSessionOf(gatehouse, person.accountId, (at) => [through(rivals, at)]);
    const admin = await openSessionOf(gatehouse, acme.admin.accountId, (at) => [through(okta, at)]);
    const path = `${home}/members/${memberId}/sessions`;
    const { items } = await expectStatus(200, browse(gatehouse, admin.token, 'get', path));
    const seen = items.filter((one: { madeBy: string }) => one.madeBy === 'sign_in');
    expect(seen.map((one: { id: string }) => one.id)).toEqual([ours.id]);
    // what another organization's IdP has said is not told here
    expect(seen[0].proofs.map((one: { connectionId: string }) => one.connectionId)).toEqual([okta._id]);
    const member = await openSessionOf(gatehouse, acme.member.accountId, (at) => [through(okta, at)]);
    expect((await browse(gatehouse, member.token, 'get', path)).status).toBe(403);
    expect((await expectStatus(200, browse(gatehouse, admin.token, 'delete', path))).ended).toBeGreaterThan(0);
    const there = `/api/v1/organizations/${rival.organizationId}`;
    expect((await browse(gatehouse, ours.token, 'get', home)).body.code).toBe('token_revoked');
    expect((await browse(gatehouse, ours.token, 'get', there)).status).toBe(200);
    const audit = await expectStatus(200, gatehouse.operator('get', `${home}/audit?type=member.sessions_ended`));
    expect(audit.items[0]).toMatchObject({ targetId: memberId, actor: `account:${acme.admin.accountId}` });
  });

  test('a suspension ends them, cookies too, in the very response (MEM-5)', async () => {
    const push = (method: 'post' | 'patch', path: string, body: object) =>
      gatehouse.bearer(acme.directoryToken.secret, method, `/scim/v2/${acme.directoryId}${path}`).send(body);
    await expectStatus(200, gatehouse.operator('post', `${home}/domains/${acme.domain}/verify`).send({ force: true }));
    const user = await expectStatus(
      201,
      push('post', '/Users', {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
        userName: 'pushed@acme.example',
        emails: [{ value: 'pushed@acme.example', primary: true }],
        active: true,
      }),
    );
    const { items } = await expectStatus(
      200,
      gatehouse.operator('get', '/api/v1/accounts').query({ email: 'pushed@acme.example' }),
    );
    const { token } = await openSessionOf(gatehouse, items[0].id, (at) => [through(okta, at)]);
    await expectStatus(200, browse(gatehouse, token, 'get', home));
    await expectStatus(
      200,
      push('patch', `/Users/${user.id}`, {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
        Operations: [{ op: 'replace', value: { active: false } }],
      }),
    );
    expect((await browse(gatehouse, token, 'get', home)).status).toBe(401);
  });
});

test('a person sees where their sessions come from, and ends all others at once (SSO-7)', async () => {
  const { accountId } = rival.admin;
  const sessions = [await openSessionOf(gatehouse, accountId), await openSessionOf(gatehouse, accountId)];
  const [mine, other] = sessions.map(({ token }) => token) as [string, string];
  const { items } = await expectStatus(200, browse(gatehouse, mine, 'get', '/api/v1/me/sessions'));
  expect(items.filter((one: { current: boolean }) => one.current)).toHaveLength(1);
  expect(items.at(-1).proofs).toEqual([{ kind: 'mailbox', at: expect.any(String) }]);
  const { ended } = await expectStatus(200, browse(gatehouse, mine, 'delete', '/api/v1/me/sessions'));
  expect(ended).toBe(items.length - 1);
  expect((await browse(gatehouse, other, 'get', '/api/v1/me')).status).toBe(401);
  expect((await browse(gatehouse, mine, 'get', '/api/v1/me')).status).toBe(200);
});

test('the Owner offers the ownership after a mailed link, by no word of an IdP (OWN-4)', async () => {
  const offer = (token: string) =>
    browse(gatehouse, token, 'post', `${home}/ownership-transfer`).send({ memberId: acme.admin.memberId });
  await expectStatus(200, settings({ trustedSessions: 'everybody' }));
  const foreign = await openSessionOf(gatehouse, acme.owner.accountId, (at) => [through(rivals, at, true)]);
  const refused = await offer(foreign.token);
  expect([refused.status, refused.body.code]).toEqual([403, 'reauthentication_required']);
  expect(refused.body.details).toEqual({ proof: 'mailbox', signInUrl: `${testBaseUrl}/sign-in?by=link` });
  for (const forced of [false, true]) {
    const own = await openSessionOf(gatehouse, acme.owner.accountId, (at) => [through(okta, at, forced)]);
    expect((await offer(own.token)).body.code).toBe('reauthentication_required');
  }
  const old = await openSessionOf(gatehouse, acme.owner.accountId, (at) => [
    through(rivals, at),
    { kind: 'mailbox', at: new Date(at.getTime() - 11 * 60_000) },
  ]);
  expect((await offer(old.token)).body.code).toBe('reauthentication_required');
  const own = await openSessionOf(gatehouse, acme.owner.accountId, (at) => [{ kind: 'mailbox', at }]);
  await expectStatus(201, offer(own.token));
});
