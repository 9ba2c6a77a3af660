/** Bulk (RFC 7644 §3.7): every operation is what it would be as a request of its own. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { findUsersOfAccount, listLog } from '../../src/directory/index.ts';
import { proves } from './rfc/proves.ts';
import { ENTERPRISE, ERROR, GROUP, openWorld, ownerEmail, PATCH, type ScimWorld, USER } from './setup.ts';

const REQUEST = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
const RESPONSE = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';

interface Answered {
  readonly method: string;
  readonly bulkId?: string;
  readonly location?: string;
  readonly version?: string;
  readonly status: string;
  readonly response?: { readonly schemas: string[]; readonly status: string; scimType?: string; detail: string };
}

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
});

const ask = (Operations: unknown, rest: object = {}) =>
  world.call('post', '/Bulk', { schemas: [REQUEST], Operations, ...rest });

async function bulk(Operations: readonly object[], rest: object = {}): Promise<readonly Answered[]> {
  const answer = await ask(Operations, rest);
  if (answer.status !== 200) throw new Error(`Bulk answered ${answer.status}: ${answer.text}`);
  expect(answer.body.schemas).toEqual([RESPONSE]);
  return answer.body.Operations;
}

let made = 0;
const userName = () => `bulk${++made}@acme.test`;
const postUser = (bulkId: string, fields: object = {}) => ({
  method: 'POST',
  path: '/Users',
  bulkId,
  data: { schemas: [USER], userName: userName(), ...fields },
});
const postGroup = (bulkId: string, members: readonly string[], fields: object = {}) => ({
  method: 'POST',
  path: '/Groups',
  bulkId,
  data: {
    schemas: [GROUP],
    displayName: `Group ${bulkId}`,
    members: members.map((value) => ({ value })),
    ...fields,
  },
});
const idOf = ({ location = '' }: Answered | undefined = { method: '', status: '' }) =>
  location.slice(location.lastIndexOf('/') + 1);
const read = async (path: string) => (await world.call('get', path)).body;
const membersOf = async (group: Answered | undefined): Promise<readonly string[]> =>
  ((await read(`/Groups/${idOf(group)}`)).members ?? []).map(({ value }: { value: string }) => value).sort();
const statuses = (answered: readonly Answered[]) => answered.map(({ status }) => status);

describe('operations', () => {
  test(
    proves(
      'each answers its method, bulkId, location, version and status as text, in the order of the request',
      '7644-3.7-01',
      '7644-3.7-02',
      '7644-3.7-03',
      '7644-3.7-04',
      '7644-3.7-06',
      '7644-3.7-09',
      '7644-3.7-13',
      '7644-3.7-14',
      '7644-3.7-15',
      '7644-3.7-17',
      '7643-5-06',
      '7644-3.1-02',
    ),
    async () => {
      const [alice, group] = [await world.user(), await world.group()];
      const answered = await bulk([
        postUser('new'),
        { method: 'put', path: `/Users/${alice.id}`, data: { schemas: [USER], userName: userName(), title: 'Put' } },
        {
          method: 'Patch',
          path: `/Groups/${group.id}`,
          bulkId: 'mine',
          data: { schemas: [PATCH], Operations: [{ op: 'add', path: 'members', value: [{ value: alice.id }] }] },
        },
        { method: 'DELETE', path: `Groups/${group.id}` },
      ]);
      expect(answered).toEqual([
        {
          method: 'POST',
          bulkId: 'new',
          status: '201',
          version: 'W/"1"',
          location: expect.stringMatching(/\/Users\/usr-/),
        },
        { method: 'PUT', status: '200', version: 'W/"2"', location: `${world.base}/Users/${alice.id}` },
        {
          method: 'PATCH',
          bulkId: 'mine',
          status: '204',
          version: expect.any(String),
          location: `${world.base}/Groups/${group.id}`,
        },
        { method: 'DELETE', status: '204', location: `${world.base}/Groups/${group.id}` },
      ]);
      expect((await read(`/Users/${alice.id}`)).title).toBe('Put');
      expect((await world.call('get', `/Groups/${group.id}`)).status).toBe(404);
    },
  );

  test(
    proves(
      'each is a transaction of its own: one that fails undoes none of the others',
      '7644-3.7-10',
      '7644-3.7-16',
      '7644-3.7-09',
      '7644-3.7.3-02',
    ),
    async () => {
      const taken = await world.user({ userName: userName() });
      const answered = await bulk([
        postUser('before'),
        postUser('taken', { userName: taken.userName }),
        postUser('after'),
      ]);
      expect(statuses(answered)).toEqual(['201', '409', '201']);
      expect(answered[1]).toEqual({
        method: 'POST',
        bulkId: 'taken',
        status: '409',
        response: { schemas: [ERROR], status: '409', scimType: 'uniqueness', detail: expect.any(String) },
      });
    },
  );

  test(
    proves('version is If-Match: of another version nothing is changed (412)', '7644-3.7-08', '7644-3.7.3-02'),
    async () => {
      const { id } = await world.user({ title: 'Old' });
      const change = (version: string) => ({
        method: 'PATCH',
        path: `/Users/${id}`,
        version,
        data: { schemas: [PATCH], Operations: [{ op: 'replace', path: 'title', value: 'New' }] },
      });
      expect(statuses(await bulk([change('W/"7"')]))).toEqual(['412']);
      expect((await read(`/Users/${id}`)).title).toBe('Old');
      expect(statuses(await bulk([change('W/"1"')]))).toEqual(['200']);
    },
  );

  test('each has its row in the provisioning log, as a request of its own would, under the request id (SCIM-5)', async () => {
    const [ada] = await bulk([postUser('ada'), { method: 'DELETE', path: '/Users/usr-unknown' }]);
    await new Promise((resolve) => setTimeout(resolve, 700));
    const { items } = await listLog(world.gatehouse.store.read, world.organizationId, { limit: 10 });
    const whole = items.find(({ path }) => path === '/Bulk');
    expect(whole).toMatchObject({ status: 200, outcome: 'applied', notes: ['bulk_operation_failed'] });
    const rows = items.filter((row) => row.requestId === whole?.requestId && row.path !== '/Bulk');
    expect(rows).toMatchObject([
      { method: 'DELETE', path: '/Users/usr-unknown', status: 404, outcome: 'refused' },
      { method: 'POST', path: '/Users', status: 201, outcome: 'applied', touched: expect.arrayContaining([idOf(ada)]) },
    ]);
    expect(JSON.parse(rows[1]?.request ?? '')).toMatchObject({ schemas: [USER] });
  });

  test('the Owner cannot be deprovisioned by any of them: 403, and audited (OWN-1, OWN-2)', async () => {
    const { gatehouse, organizationId } = world;
    const [owner] = await bulk([
      postUser('owner', { userName: ownerEmail, emails: [{ value: ownerEmail, primary: true }] }),
    ]);
    const answered = await bulk([
      { method: 'DELETE', path: `/Users/${idOf(owner)}` },
      { method: 'PUT', path: `/Users/${idOf(owner)}`, data: { userName: ownerEmail, active: false } },
      {
        method: 'PATCH',
        path: `/Users/${idOf(owner)}`,
        data: { Operations: [{ op: 'Replace', path: 'active', value: 'False' }] },
      },
    ]);
    expect(statuses(answered)).toEqual(['403', '403', '403']);
    const member = await gatehouse.store.read.members.findOne(organizationId, { owner: true });
    expect(member).toMatchObject({ status: 'active', role: 'admin' });
    const events = await gatehouse.store.read.auditEvents.find(organizationId, { type: 'owner.deprovision_refused' });
    expect(events).toHaveLength(3);
    expect(await findUsersOfAccount(gatehouse.store.read, organizationId, member?.accountId ?? '')).toHaveLength(1);
  });
});

describe('references', () => {
  test(
    proves(
      'a bulkId stands for the id of what is made, before or after it in the request',
      '7644-3.7.2-01',
      '7644-3.7.2-02',
      '7644-3.7.2-04',
    ),
    async () => {
      const answered = await bulk([
        postGroup('team', ['bulkId:bob', 'bulkid:amy']),
        postUser('amy', { [ENTERPRISE]: { manager: { value: 'bulkId:bob' } } }),
        postUser('bob'),
        { method: 'PATCH', path: '/Users/bulkId:amy', data: { Operations: [{ op: 'add', value: { title: 'A' } }] } },
      ]);
      const [team, amy, bob, patched] = answered;
      expect(statuses(answered)).toEqual(['201', '201', '201', '200']);
      expect(await membersOf(team)).toEqual([idOf(amy), idOf(bob)].sort());
      expect(patched?.location).toBe(amy?.location);
      const resource = await read(`/Users/${idOf(amy)}`);
      expect([resource.title, resource[ENTERPRISE].manager.value]).toEqual(['A', idOf(bob)]);
    },
  );

  test("a manager as a bare text, and members of a PATCH, are references as well (Entra's forms)", async () => {
    const group = await world.group();
    const [boss, worker] = await bulk([
      postUser('boss'),
      postUser('worker', { [`${ENTERPRISE}:manager`]: 'bulkId:boss' }),
      {
        method: 'PATCH',
        path: `/Groups/${group.id}`,
        data: { Operations: [{ op: 'Add', path: 'members', value: [{ value: 'bulkId:worker' }] }] },
      },
    ]);
    expect((await read(`/Users/${idOf(worker)}`))[ENTERPRISE].manager.value).toBe(idOf(boss));
    expect((await read(`/Groups/${group.id}`)).members).toMatchObject([{ value: idOf(worker) }]);
  });

  test('a text that looks like a reference where no id stands is a text', async () => {
    const [user] = await bulk([postUser('text', { displayName: 'bulkId:text', title: 'bulkId:none' })]);
    expect(await read(`/Users/${idOf(user)}`)).toMatchObject({ displayName: 'bulkId:text', title: 'bulkId:none' });
  });

  test(
    proves(
      'circles are resolved: groups in each other, people who manage each other, a group in itself',
      '7644-3.7.1-01',
    ),
    async () => {
      const [a, b, ann, ben, self] = await bulk([
        postGroup('a', ['bulkId:b', 'bulkId:ann']),
        postGroup('b', ['bulkId:a']),
        postUser('ann', { [ENTERPRISE]: { manager: { value: 'bulkId:ben' }, department: 'Ann' } }),
        postUser('ben', { [ENTERPRISE]: { manager: { value: 'bulkId:ann' } } }),
        postGroup('self', ['bulkId:self']),
      ]);
      expect([a, b, ann, ben, self].map((one) => one?.status)).toEqual(Array(5).fill('201'));
      expect(await membersOf(a)).toEqual([idOf(b), idOf(ann)].sort());
      expect(await membersOf(b)).toEqual([idOf(a)]);
      expect(await membersOf(self)).toEqual([idOf(self)]);
      expect((await read(`/Users/${idOf(ann)}`))[ENTERPRISE]).toMatchObject({
        manager: { value: idOf(ben) },
        department: 'Ann',
      });
      expect((await read(`/Users/${idOf(ben)}`))[ENTERPRISE].manager.value).toBe(idOf(ann));
      for (const one of [a, b, self])
        expect((await world.call('get', `/Groups/${idOf(one)}`)).headers.etag).toBe(one?.version);
    },
  );

  test(
    proves('a circle stands or falls together, each with one status and one row of the log', '7644-3.7.1-01'),
    async () => {
      const before = (await read('/Groups?count=0')).totalResults;
      const answered = await bulk([
        postGroup('x', ['bulkId:y']),
        postGroup('y', ['bulkId:x'], { displayName: '' }),
        postGroup('outside', ['bulkId:x']),
      ]);
      expect(statuses(answered)).toEqual(['409', '400', '409']);
      expect(answered[1]?.response?.detail).toContain('displayName');
      expect((await read('/Groups?count=0')).totalResults).toBe(before);
      // the row of the bulk itself is written in a batch, which may have happened by now
      const { items } = await listLog(world.gatehouse.store.read, world.organizationId, { limit: 4 });
      const own = items.filter(({ path }) => path === '/Groups').slice(0, 3);
      expect(own.map(({ path, outcome }) => [path, outcome])).toEqual(Array(3).fill(['/Groups', 'refused']));
    },
  );

  test(
    proves('a reference to nothing is 400, one to an operation that failed is 409', '7644-3.7.2-03', '7644-3.7.3-02'),
    async () => {
      const answered = await bulk([
        postGroup('lost', ['bulkId:nobody']),
        postUser('bad', { userName: '' }),
        postGroup('left', ['bulkId:bad']),
        { method: 'DELETE', path: '/Users/bulkId:bad' },
      ]);
      expect(statuses(answered)).toEqual(['400', '400', '409', '409']);
      expect(answered[0]?.response).toMatchObject({ scimType: 'invalidValue' });
      expect(answered[2]?.response?.detail).toContain('bulkId:bad');
      expect(answered[3]?.location).toBeUndefined();
    },
  );

  test('a long chain is resolved, whose end stands last', async () => {
    const answered = await bulk(
      Array.from({ length: 100 }, (_, index) =>
        postGroup(`chain${index}`, index < 99 ? [`bulkId:chain${index + 1}`] : []),
      ),
    );
    expect(answered.every(({ status }) => status === '201')).toBe(true);
    expect(await membersOf(answered[0])).toEqual([idOf(answered[1])]);
  });
});

describe('failOnErrors', () => {
  const failing = (index: number) => ({ method: 'DELETE', path: `/Users/usr-none${index}` });

  test(
    proves(
      'stops after so many errors: what was not tried is not answered, and not done',
      '7644-3.7-11',
      '7644-3.7-10',
      '7644-3.7.3-01',
    ),
    async () => {
      const name = userName();
      const operations = [
        postUser('one'),
        failing(1),
        postUser('two'),
        failing(2),
        postUser('three', { userName: name }),
      ];
      expect(statuses(await bulk(operations, { failOnErrors: 2 }))).toEqual(['201', '404', '201', '404']);
      expect((await read(`/Users?filter=userName eq "${name}"`)).totalResults).toBe(0);
      expect(await bulk([failing(1), failing(2)], { failOnErrors: 1 })).toHaveLength(1);
      expect(await bulk([failing(1), failing(2)], { failOnErrors: 3 })).toHaveLength(2);
    },
  );

  test.each([0, -1, 1.5, '1', true, []])('%j is refused', async (failOnErrors) => {
    const answer = await ask([postUser('none')], { failOnErrors });
    expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidValue']);
  });
});

describe('refusals (OPS-1)', () => {
  test.each<[string, object, string]>([
    ['no method', { path: '/Users' }, '400'],
    ['GET', { method: 'GET', path: '/Users' }, '405'],
    ['a method that is no text', { method: 1, path: '/Users' }, '400'],
    ['no path', { method: 'DELETE' }, '400'],
    ['an endpoint that is none', { method: 'POST', bulkId: 'q', path: '/Robots', data: {} }, '404'],
    ['a bulk in a bulk', { method: 'POST', bulkId: 'q', path: '/Bulk', data: {} }, '404'],
    ['a path that leads elsewhere', { method: 'DELETE', path: '/Users/../Groups/1' }, '404'],
    ['a path that is no URL', { method: 'DELETE', path: '/Users/%zz' }, '404'],
    ['a POST to a resource', { method: 'POST', bulkId: 'q', path: '/Users/usr-1', data: {} }, '405'],
    ['a DELETE of an endpoint', { method: 'DELETE', path: '/Users' }, '405'],
    ['a POST without bulkId', { method: 'POST', path: '/Users', data: { userName: 'q' } }, '400'],
    ['a bulkId that is no text', { method: 'POST', bulkId: {}, path: '/Users', data: { userName: 'q' } }, '400'],
    ['a version that is no text', { method: 'DELETE', path: '/Users/usr-1', version: 3 }, '400'],
    ['a PUT without data', { method: 'PUT', path: '/Users/usr-1' }, '400'],
    ['data that is no object', { method: 'POST', bulkId: 'q', path: '/Users', data: 'x' }, '400'],
  ])(
    proves(
      '%s: the operation fails with %j, the next one is done',
      '7644-3.7-04',
      '7644-3.7-05',
      '7644-3.7-06',
      '7644-3.7-07',
      '7644-3.7-16',
      '7644-3.7.3-01',
      '7644-3.7.3-02',
    ),
    async (_title, operation, status) => {
      const answered = await bulk([operation, postUser('next')]);
      expect(statuses(answered)).toEqual([status, '201']);
      expect(answered[0]?.response).toMatchObject({ schemas: [ERROR], status });
      expect(answered[0]?.response?.detail).toBeTruthy();
      const { method, path } = operation as { method?: string; path?: string };
      const named = method !== 'POST' && path?.startsWith('/Users/usr-');
      expect(answered[0]?.location).toBe(named ? world.base + path : undefined);
    },
  );

  test.each<[string, object, number]>([
    ['no list', { Operations: {} }, 400],
    ['an empty list', { Operations: [] }, 400],
    ['an operation that is no object', { Operations: ['x'] }, 400],
    ['another message', { schemas: [PATCH], Operations: [postUser('z')] }, 400],
    ['a bulkId given twice', { Operations: [postUser('z'), postUser('z')] }, 400],
    ['more than maxOperations', { Operations: Array.from({ length: 1001 }, (_, i) => postUser(`z${i}`)) }, 413],
    ['more than maxPayloadSize', { Operations: [postUser('z', { title: 'x'.repeat(9 * 1024 * 1024) })] }, 413],
  ])(
    proves('%s: all is refused and nothing done', '7644-3.7-02', '7644-3.7-05', '7644-3.7.4-02', '7644-3.7.4-03'),
    async (_title, body, status) => {
      const before = (await read('/Users?count=0')).totalResults;
      const answer = await world.call('post', '/Bulk', { schemas: [REQUEST], ...body });
      expect(answer.status).toBe(status);
      expect(answer.body).toMatchObject({ schemas: [ERROR], status: String(status), detail: expect.any(String) });
      expect((await read('/Users?count=0')).totalResults).toBe(before);
    },
  );

  test(
    proves(
      'a limit is named in its refusal, and announced',
      '7644-3.7.4-01',
      '7644-3.7.4-02',
      '7644-3.7.4-03',
      '7643-5-07',
      '7643-5-08',
    ),
    async () => {
      const { bulk: announced } = await read('/ServiceProviderConfig');
      const many = await ask(
        Array.from({ length: announced.maxOperations + 1 }, () => ({ method: 'DELETE', path: '/' })),
      );
      expect(many.body.detail).toContain(`maxOperations (${announced.maxOperations})`);
      const large = await ask([postUser('l', { title: 'x'.repeat(announced.maxPayloadSize) })]);
      expect(large.body.detail).toContain(`maxPayloadSize (${announced.maxPayloadSize})`);
    },
  );

  test('GET /Bulk is refused with what is possible', async () => {
    const answer = await world.call('get', '/Bulk');
    expect([answer.status, answer.headers.allow]).toEqual([405, 'POST']);
  });
});
