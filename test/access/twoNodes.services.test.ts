/**
 * Two nodes over one database: the check that follows the response to a change, at the other node, sees it (PRJ-7, MEM-5).
 * On MongoDB, since an embedded store belongs to one process.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { buildWorld, expectStatus, openPerson, type Person, type World } from '../http/world.ts';
import { openTestPlace } from '../support/engines.ts';
import { type Method, openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';
import { until } from '../support/until.ts';
import { followThrough, setStage } from './followers.ts';

let nodes: readonly [TestGatehouse, TestGatehouse];
let acme: World;
let mailbox: Mailbox;
let made = 0;

beforeAll(async () => {
  const place = await openTestPlace('mongodb');
  mailbox = await openMailbox();
  const env = { GATEHOUSE_KEY: 'one key of both nodes 0123456789', SMTP_URL: mailbox.url };
  const options = { place, env, rehearse: false };
  // One after the other: the first seals what a key is known by.
  const first = await openTestGatehouse(options);
  nodes = [first, await openTestGatehouse(options)];
  acme = await buildWorld(first, 'acme');
  await ask(first, 200, 'post', `${home()}/domains/${acme.domain}/verify`, { force: true });
});

const home = () => `/api/v1/organizations/${acme.organizationId}`;
const collaborators = () => `/api/v1/projects/${acme.projectId}/collaborators`;
const ask = (node: TestGatehouse, status: number, method: Method, path: string, body?: object) =>
  expectStatus(status, node.operator(method, path).send(body));

interface Question {
  readonly subject: { readonly type: 'user' | 'api_key'; readonly id: string };
  readonly permission: string;
  readonly resource: { readonly type: string; readonly id: string };
}

async function isAllowed(node: TestGatehouse, { subject, permission, resource }: Question): Promise<boolean> {
  const body = { subject, action: { name: permission }, resource };
  return (await ask(node, 200, 'post', '/access/v1/evaluation', body)).decision;
}

/** Whether the searches of the node find what is asked about, each in its way. */
async function isFound(node: TestGatehouse, { subject, permission, resource }: Question): Promise<boolean[]> {
  const search = async (kind: string, body: object) =>
    (await ask(node, 200, 'post', `/access/v1/search/${kind}`, { page: { limit: 1000 }, ...body })).results;
  const action = { name: permission };
  const subjects = await search('subject', { subject: { type: subject.type }, action, resource });
  const resources = await search('resource', { subject, action, resource: { type: resource.type } });
  const actions = await search('action', { subject, resource });
  const has = (items: readonly { readonly id: string }[], id: string) => items.some((item) => item.id === id);
  return [
    has(subjects, subject.id),
    has(resources, resource.id),
    actions.some(({ name }: { readonly name: string }) => name === permission),
  ];
}

/**
 * Makes a change at one node while the other one, which knows how it was, is asked without a pause; the first question
 * after the response must have the new answer, and so must the searches.
 */
async function turn(
  at: number,
  question: Question,
  expected: boolean,
  change: (here: TestGatehouse) => Promise<unknown>,
): Promise<void> {
  const [here, there] = at % 2 === 0 ? nodes : [nodes[1], nodes[0]];
  expect(await isAllowed(there, question)).toBe(!expected);
  let changing = true;
  const asking = (async () => {
    while (changing) await isAllowed(there, question);
  })();
  try {
    await change(here);
    expect(await isAllowed(there, question)).toBe(expected);
    expect(await isFound(there, question)).toEqual([expected, expected, expected]);
  } finally {
    changing = false;
    await asking;
  }
}

/** A change and its contrary, several times, at each node in turn. */
async function backAndForth(
  question: Question,
  away: (here: TestGatehouse) => Promise<unknown>,
  again: (here: TestGatehouse) => Promise<unknown>,
): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    await turn(round, question, false, away);
    await turn(round + (round < 2 ? 0 : 1), question, true, again);
  }
}

const user = ({ accountId }: Pick<Person, 'accountId'>) => ({ type: 'user' as const, id: accountId });
const project = () => ({ type: 'project', id: acme.projectId });

async function join(role = 'member'): Promise<Person & { readonly memberId: string }> {
  made += 1;
  const person = await openPerson(nodes[0], `person${made}@${acme.domain}`);
  const { id } = await ask(nodes[0], 201, 'post', `${home()}/members`, { accountId: person.accountId, role });
  return { ...person, memberId: id };
}

const scim = (node: TestGatehouse, status: number, method: Method, path: string, body: object) =>
  expectStatus(
    status,
    node.bearer(acme.directoryToken.secret, method, `/scim/v2/${acme.directoryId}${path}`).send(body),
  );
const patched = (node: TestGatehouse, status: number, path: string, ...Operations: object[]) =>
  scim(node, status, 'patch', path, { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations });

async function push() {
  made += 1;
  const userName = `person${made}@${acme.domain}`;
  const { id } = await scim(nodes[0], 201, 'post', '/Users', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    ...{ userName, active: true, emails: [{ value: userName, primary: true }] },
  });
  const { items } = await ask(nodes[0], 200, 'get', `/api/v1/accounts?email=${userName}`);
  return { id: id as string, accountId: items[0].id as string };
}

test('a role in the organization, changed', async () => {
  const { memberId, accountId } = await join('admin');
  const path = `${home()}/members/${memberId}`;
  await backAndForth(
    {
      subject: user({ accountId }),
      permission: 'member.remove',
      resource: { type: 'organization', id: acme.organizationId },
    },
    (here) => ask(here, 200, 'patch', path, { role: 'member' }),
    (here) => ask(here, 200, 'patch', path, { role: 'admin' }),
  );
});

test('a role in a project, changed, also on what is registered there (RES-1)', async () => {
  const person = await join();
  const body = { type: 'cluster', name: 'cluster' };
  const { id } = await ask(nodes[0], 201, 'post', `/api/v1/projects/${acme.projectId}/resources`, body);
  await ask(nodes[0], 201, 'post', collaborators(), { email: person.email, role: 'admin' });
  const path = `${collaborators()}/${person.accountId}`;
  await backAndForth(
    { subject: user(person), permission: 'cluster.delete', resource: { type: 'cluster', id } },
    (here) => ask(here, 200, 'patch', path, { role: 'member' }),
    (here) => ask(here, 200, 'patch', path, { role: 'admin' }),
  );
});

test('a collaborator, removed and added again', async () => {
  const person = await join();
  const add = (here: TestGatehouse) => ask(here, 201, 'post', collaborators(), { email: person.email });
  await add(nodes[0]);
  await backAndForth(
    { subject: user(person), permission: 'cluster.ssh', resource: project() },
    (here) => ask(here, 200, 'delete', `${collaborators()}/${person.accountId}`),
    add,
  );
});

test('a member, removed (MEM-3)', async () => {
  for (let round = 0; round < 4; round += 1) {
    const person = await join();
    const question = {
      ...{ subject: user(person), permission: 'cluster.ssh' },
      resource: { type: 'project', id: acme.defaultProjectId },
    };
    await turn(round, question, false, (here) => ask(here, 200, 'delete', `${home()}/members/${person.memberId}`));
  }
});

describe('an invitation, accepted at one node', () => {
  const invite = async (email: string): Promise<string> => {
    const projects = [{ projectId: acme.projectId, role: 'admin' }];
    await ask(nodes[0], 201, 'post', `${home()}/invitations`, { email, projects });
    const { link = '' } = (await mailbox.waitFor(email)).at(-1) ?? {};
    return new URL(link).searchParams.get('token') ?? '';
  };
  const accept = (here: TestGatehouse, token: string) =>
    expectStatus(200, here.request.post('/api/v1/invitations/accept').send({ token }));

  test('counts at the other for who has an account (MEM-2)', async () => {
    for (let round = 0; round < 4; round += 1) {
      made += 1;
      const person = await openPerson(nodes[0], `person${made}@elsewhere.example`);
      const token = await invite(person.email);
      const question = { subject: user(person), permission: 'cluster.delete', resource: project() };
      await turn(round, question, true, (here) => accept(here, token));
    }
  });

  test('counts at the other for who has had none, by the address that it proves (ACC-5)', async () => {
    for (const [here, there] of [nodes, [nodes[1], nodes[0]] as const]) {
      made += 1;
      const id = `person${made}@elsewhere.example`;
      const token = await invite(id);
      const question = { subject: { type: 'user', id }, permission: 'cluster.delete', resource: project() } as const;
      expect(await isAllowed(there, question)).toBe(false);
      const { accountId } = await accept(here, token);
      expect(await isAllowed(there, question)).toBe(true);
      expect(await isFound(there, { ...question, subject: user({ accountId }) })).toEqual([true, true, true]);
    }
  });
});

test('the ownership, accepted by an Admin, and moved by the operator (OWN-4, KEY-3)', async () => {
  const transfer = `${home()}/ownership-transfer`;
  let [owner, heir] = [acme.owner, acme.admin];
  for (let round = 0; round < 4; round += 1) {
    const [here, there] = round % 2 === 0 ? nodes : [nodes[1], nodes[0]];
    const sides = [
      await openPerson(here, owner.email, 'sign_in'),
      await openPerson(here, heir.email, 'sign_in'),
    ] as const;
    const seen = async () => {
      const found: unknown[] = [];
      for (const { accountId, token } of sides) {
        const resource = { type: 'organization', id: acme.organizationId };
        const body = { subject: user({ accountId }), action: { name: 'organization.update' }, resource };
        const { context } = await ask(there, 200, 'post', '/access/v1/evaluation', body);
        const key = await there.bearer(token, 'get', `${home()}/default-key`);
        found.push([context.via, key.status]);
      }
      return found;
    };
    const [asOwner, asAdmin] = [
      ['owner', 200],
      ['organization_role', 403],
    ];
    expect(await seen()).toEqual([asOwner, asAdmin]);
    const { memberId } = heir;
    if (round < 2) {
      await expectStatus(201, here.bearer(sides[0].token, 'post', transfer).send({ memberId }));
      expect(await seen()).toEqual([asOwner, asAdmin]);
      await expectStatus(200, here.bearer(sides[1].token, 'post', `${transfer}/accept`));
    } else await ask(here, 201, 'post', transfer, { memberId, force: true });
    expect(await seen()).toEqual([asAdmin, asOwner]);
    expect((await there.operator('delete', `${home()}/members/${memberId}`)).body.code).toBe('owner_protected');
    [owner, heir] = [heir, owner];
  }
});

test('somebody suspended by the IdP, and active again (MEM-5)', async () => {
  const person = await push();
  const set = (active: boolean) => (here: TestGatehouse) =>
    patched(here, 200, `/Users/${person.id}`, { op: 'replace', path: 'active', value: active });
  const resource = { type: 'project', id: acme.defaultProjectId };
  await backAndForth({ subject: user(person), permission: 'cluster.ssh', resource }, set(false), set(true));
});

test('a key, revoked: an evaluation and its verification (KEY-1)', async () => {
  for (let round = 0; round < 4; round += 1) {
    const path = `/api/v1/projects/${acme.projectId}/keys`;
    const key = await ask(nodes[0], 201, 'post', path, { name: `key ${round}` });
    const [here, there] = round % 2 === 0 ? nodes : [nodes[1], nodes[0]];
    const verified = async () => (await ask(there, 200, 'post', '/api/v1/keys/verify', { key: key.secret })).valid;
    expect(await verified()).toBe(true);
    const question = {
      ...{ subject: { type: 'api_key' as const, id: key.id }, permission: 'inference.invoke' },
      resource: project(),
    };
    await turn(round, question, false, async () => {
      await ask(here, 200, 'delete', `${path}/${key.id}`);
      expect(await verified()).toBe(false);
    });
  }
});

test('a mapping, once the node that applies it says so (MAP-5)', async () => {
  const person = await push();
  const question = { subject: user(person), permission: 'cluster.ssh', resource: project() };
  const group = `/Groups/${acme.groupId}`;
  const applied = (here: TestGatehouse, expected: boolean) =>
    until('the mapping is applied', async () => (await isAllowed(here, question)) === expected);
  const put = async (here: TestGatehouse) => {
    await patched(here, 204, group, { op: 'add', path: 'members', value: [{ value: person.id }] });
    await applied(here, true);
  };
  await put(nodes[0]);
  await backAndForth(
    question,
    async (here) => {
      await patched(here, 204, group, { op: 'remove', path: `members[value eq "${person.id}"]` });
      await applied(here, false);
    },
    put,
  );
});

test('a project, archived and opened again, for people and keys', async () => {
  const path = `/api/v1/projects/${acme.projectId}`;
  const archive = (archived: boolean) => (here: TestGatehouse) => ask(here, 200, 'patch', path, { archived });
  const subjects = [user(acme.admin), { type: 'api_key', id: acme.apiKeyId }] as const;
  for (const subject of subjects) {
    const question = { subject, permission: 'key.create', resource: project() };
    await backAndForth(question, archive(true), archive(false));
  }
});

test('an organization, closed and restored (ORG-2); where Admins must join, set and unset (PRJ-5)', async () => {
  const question = { subject: user(acme.admin), permission: 'cluster.create', resource: project() };
  await backAndForth(
    question,
    (here) => ask(here, 200, 'post', `${home()}/close`, { confirm: 'acme' }),
    (here) => ask(here, 200, 'post', `${home()}/restore`),
  );
  const set = (adminAccess: string) => (here: TestGatehouse) =>
    ask(here, 200, 'patch', home(), { settings: { adminAccess } });
  await backAndForth(question, set('joined'), set('all'));
});

describe('what ends for good, at one node, has ended at the other', () => {
  const inDefault = () => ({ type: 'project', id: acme.defaultProjectId });
  const ends: readonly (readonly [
    string,
    (here: TestGatehouse, person: Awaited<ReturnType<typeof join>>) => unknown,
  ])[] = [
    ['a member who leaves', (here, { token }) => expectStatus(200, here.bearer(token, 'post', `${home()}/leave`))],
    [
      'one of many who are removed at once, and blocked (MEM-4)',
      (here, { memberId }) =>
        ask(here, 200, 'post', `${home()}/members/bulk`, {
          operations: [{ action: 'remove', memberId, block: true }],
        }),
    ],
    ['an account (OWN-3)', (here, { accountId }) => ask(here, 204, 'delete', `/api/v1/accounts/${accountId}`)],
  ];

  test.each(ends)('%s', async (_, end) => {
    for (let round = 0; round < 2; round += 1) {
      const person = await join();
      const question = { subject: user(person), permission: 'cluster.ssh', resource: inDefault() };
      await turn(round, question, false, async (here) => end(here, person));
    }
  });

  test('a project, and what is registered in one', async () => {
    for (let round = 0; round < 2; round += 1) {
      const made = await ask(nodes[0], 201, 'post', `${home()}/projects`, { name: `Short-lived ${round}` });
      const path = `/api/v1/projects/${made.id}`;
      const cluster = await ask(nodes[0], 201, 'post', `${path}/resources`, { type: 'cluster', name: 'c' });
      const about = { subject: user(acme.admin), permission: 'cluster.ssh' };
      const registered = { ...about, resource: { type: 'cluster', id: cluster.id as string } };
      const [here, there] = round === 0 ? nodes : [nodes[1], nodes[0]];
      expect(await isAllowed(there, registered)).toBe(true);
      await ask(here, 204, 'delete', `${path}/resources/${cluster.id}`);
      expect(await isAllowed(there, registered)).toBe(false);
      const question = { ...about, resource: { type: 'project', id: made.id as string } };
      await turn(round, question, false, (at) => ask(at, 200, 'delete', path));
    }
  });

  test('a Default Key that is replaced, a session, and a service credential (KEY-3, SSO-7, OPS-4)', async () => {
    for (const [here, there] of [nodes, [nodes[1], nodes[0]] as const]) {
      const owner = await openPerson(here, acme.owner.email, 'sign_in');
      const key = await expectStatus(200, here.bearer(owner.token, 'get', `${home()}/default-key`));
      const verified = async () => (await ask(there, 200, 'post', '/api/v1/keys/verify', { key: key.secret })).valid;
      expect(await verified()).toBe(true);
      await expectStatus(200, here.bearer(owner.token, 'post', `${home()}/default-key/regenerate`));
      expect(await verified()).toBe(false);

      const introspected = async () =>
        (await ask(there, 200, 'post', '/api/v1/sessions/introspect', { token: owner.token })).active;
      expect(await introspected()).toBe(true);
      await expectStatus(204, here.bearer(owner.token, 'delete', `/api/v1/me/sessions/${owner.sessionId}`));
      expect(await introspected()).toBe(false);

      const credential = await ask(here, 201, 'post', '/api/v1/service-credentials', {
        name: 'x',
        scopes: ['evaluate'],
      });
      const asked = async () =>
        (await there.bearer(credential.secret, 'post', '/access/v1/evaluations').send({ evaluations: [{}] })).status;
      expect(await asked()).toBe(200);
      await ask(here, 200, 'delete', `/api/v1/service-credentials/${credential.id}`);
      expect(await asked()).toBe(401);
    }
  });
});

test('agents that follow a project by its changes, at whichever node, have at every look what the whole list says', async () => {
  const stage = await setStage(nodes[0], await buildWorld(nodes[0], 'followed'));
  expect(await followThrough(nodes, stage, 5)).toBeGreaterThan(0);
}, 300_000);
