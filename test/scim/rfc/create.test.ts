import { beforeAll, describe, expect, test } from '@jest/globals';
import { ENTERPRISE, ERROR, GROUP, openWorld, type ScimWorld, USER } from '../setup.ts';
import { proves, rows } from './proves.ts';

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
});

const post = (path: string, body: object) => world.call('post', path, body);
const total = async (path: string) => (await world.call('get', `${path}?count=0`)).body.totalResults;
const kinds: [string, string, object][] = [
  ['User', '/Users', { schemas: [USER], userName: 'create@acme.test' }],
  ['Group', '/Groups', { schemas: [GROUP], displayName: 'Create' }],
];

describe('creating (RFC 7644 §3.3)', () => {
  test.each(kinds)(
    proves(
      'POST of a %s is 201 with the resource, its Location and its meta',
      '7643-3.1-01',
      '7643-3.1-12',
      '7643-3.1-13',
      '7643-3.1-14',
      '7643-3.1-15',
      '7643-3.1-16',
      '7643-3.1-17',
      '7643-2.3.5-01',
      '7644-3.2-01',
      '7644-3.2-02',
      '7644-3.3-01',
      '7644-3.3-04',
      '7644-3.3-05',
      '7644-3.3-06',
      '7644-3.3-07',
      '7644-3.4.1-01',
    ),
    async (kind, endpoint, body) => {
      const before = Date.now();
      const created = await post(endpoint, body);
      expect([created.status, created.headers['content-type']]).toEqual([201, 'application/scim+json; charset=utf-8']);
      const { id, meta } = created.body;
      expect(created.body).toMatchObject(body);
      expect(id).toMatch(/./);
      expect(created.headers.location).toBe(`${world.base}${endpoint}/${id}`);
      expect(meta.location).toBe(created.headers.location);
      expect(meta.resourceType).toBe(kind);
      expect(meta.created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
      expect(Date.parse(meta.created)).toBeGreaterThanOrEqual(before - 1000);
      expect(meta.lastModified).toBe(meta.created);
      const read = await world.call('get', `${endpoint}/${id}`);
      expect([read.status, read.body]).toEqual([200, created.body]);
    },
  );

  test.each([
    ['User', '/Users', { schemas: [USER], userName: 'meta@acme.test' }],
    ['Group', '/Groups', { schemas: [GROUP], displayName: 'Meta' }],
  ])(
    proves(
      'id, meta and other read-only parts that a client sends for a %s are ignored; the type follows from the endpoint',
      '7643-3.1-05',
      '7643-3.1-11',
      '7643-7-13',
      '7643-4.1.2-14',
      '7644-3.3-02',
      '7644-3.3.1-01',
    ),
    async (kind, endpoint, body) => {
      const { status, body: made } = await post(endpoint, {
        ...body,
        id: 'mine',
        meta: { resourceType: 'Robot', created: '2001-01-01T00:00:00Z', version: 'W/"77"', location: 'http://x.test' },
        ...(kind === 'User' && { groups: [{ value: 'grp-1', display: 'Admins' }] }),
      });
      expect(status).toBe(201);
      expect(made.id).not.toBe('mine');
      expect(made.meta.resourceType).toBe(kind);
      expect(Date.parse(made.meta.created)).toBeGreaterThan(Date.parse('2020-01-01'));
      expect(made.meta.version).not.toBe('W/"77"');
      expect(made.meta.location).toBe(`${world.base}${endpoint}/${made.id}`);
      expect(made).not.toHaveProperty('groups');
    },
  );

  test(proves('active is true where it is not said', '7644-3.3-03', '7643-4.1.1-10'), async () => {
    expect(await world.user()).toMatchObject({ active: true });
    expect(await world.user({ active: false })).toMatchObject({ active: false });
  });

  test(
    proves(
      'a taken userName, in any case, is 409 uniqueness; nothing is made',
      '7643-4.1.1-02',
      '7643-4.1.1-03',
      '7643-7-20',
      '7644-3.3-08',
      '7644-3.3-09',
      '7644-3.12-09',
      '7644-3.12-16',
    ),
    async () => {
      const { userName } = (await world.user({ userName: 'Twice@Acme.test' })) as { userName?: string };
      expect(userName).toBe('Twice@Acme.test');
      const before = await total('/Users');
      for (const again of ['Twice@Acme.test', 'twice@acme.TEST']) {
        const answer = await post('/Users', { schemas: [USER], userName: again });
        expect(answer.status).toBe(409);
        expect(answer.body).toMatchObject({ schemas: [ERROR], status: '409', scimType: 'uniqueness' });
        expect(answer.body.detail).toMatch(/userName/);
      }
      expect(await total('/Users')).toBe(before);
    },
  );

  test.each<[string, string, object]>([
    [rows('7643-4.1.1-01', '7643-4.1.1-04', '7643-7-21'), '/Users', { schemas: [USER] }],
    [rows('7643-4.1.1-04'), '/Users', { schemas: [USER], userName: '' }],
    [rows('7643-4.1.1-04'), '/Users', { schemas: [USER], userName: null }],
    [rows('7643-4.2-01', '7643-7-21'), '/Groups', { schemas: [GROUP] }],
    [rows('7643-4.2-01'), '/Groups', { schemas: [GROUP], displayName: '' }],
    [rows('7643-2.3-01'), '/Users', { schemas: [USER], userName: 7 }],
    [rows('7643-2.3-01'), '/Users', { schemas: [USER], userName: 'x', active: 'perhaps' }],
    [rows('7643-2.3-01'), '/Users', { schemas: [USER], userName: 'x', name: 'Ann' }],
    [rows('7643-2.3-01'), '/Users', { schemas: [USER], userName: 'x', title: ['a'] }],
    [rows('7643-2.3-01'), '/Groups', { schemas: [GROUP], displayName: {} }],
    [rows('7643-2.3.7-05'), '/Groups', { schemas: [GROUP], displayName: 'x', members: [{ value: 'nobody' }] }],
    [
      rows('7643-2.4-01'),
      '/Users',
      { schemas: [USER], userName: 'x', emails: ['a', 'b'].map((value) => ({ value, primary: true })) },
    ],
  ])(
    proves('%s POST %s %j is 400 invalidValue, and nothing is made', '7644-3.12-21'),
    async (_rows, endpoint, body) => {
      const before = await total(endpoint);
      const answer = await post(endpoint, body);
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual({
        schemas: [ERROR],
        status: '400',
        scimType: 'invalidValue',
        detail: expect.any(String),
      });
      expect(await total(endpoint)).toBe(before);
    },
  );
});

describe('what a resource is (RFC 7643 §2, §3)', () => {
  test(
    proves(
      'names of attributes and of their parts are taken in any case, in the body',
      '7643-2.1-01',
      '7643-2.1-02',
      '7643-2.1-04',
      '7643-3.3-01',
    ),
    async () => {
      const { body } = await post('/Users', {
        SCHEMAS: [USER],
        USERNAME: 'case@acme.test',
        Name: { GIVENNAME: 'Ann', familyname: 'Lee' },
        EMAILS: [{ VALUE: 'case@acme.test', Type: 'work' }],
      });
      expect(body).toMatchObject({
        schemas: [USER],
        userName: 'case@acme.test',
        name: { givenName: 'Ann', familyName: 'Lee' },
        emails: [{ value: 'case@acme.test', type: 'work' }],
      });
    },
  );

  test(
    proves(
      'schemas names the core schema and the extensions that are used, each once, in whatever order it came',
      '7643-3-01',
      '7643-3-02',
      '7643-3-03',
      '7643-3-04',
      '7643-3-05',
      '7643-3-06',
      '7643-3-07',
      '7643-3.3-02',
      '7643-4.1-01',
      '7643-4.2-02',
      '7643-4.3-01',
      '7644-3.1-01',
    ),
    async () => {
      const enterprise = { [ENTERPRISE]: { department: 'R&D' } };
      for (const schemas of [[USER, ENTERPRISE], [ENTERPRISE, USER], [USER], [USER, USER, ENTERPRISE, ENTERPRISE]]) {
        const made = await world.user({ schemas, ...enterprise });
        expect(made).toMatchObject({ schemas: [USER, ENTERPRISE], ...enterprise });
        const put = await world.call('put', `/Users/${made.id}`, { schemas, userName: `${made.id}@acme.test` });
        expect(put.body.schemas).toEqual([USER]);
        expect(put.body).not.toHaveProperty([ENTERPRISE]);
      }
      expect((await world.user({ schemas: [USER, ENTERPRISE] })) as object).toMatchObject({ schemas: [USER] });
      expect((await world.group()) as object).toMatchObject({ schemas: [GROUP] });
    },
  );

  test(
    proves(
      'null and an empty list are unassigned, and no answer holds either',
      '7643-2.5-01',
      '7643-2.5-02',
      '7643-2.5-03',
      '7643-2.2-01',
    ),
    async () => {
      const made = await world.user({
        title: null,
        emails: [],
        name: null,
        nickName: 'N',
        phoneNumbers: [{ value: '1' }],
      });
      for (const name of ['title', 'emails', 'name']) expect(made).not.toHaveProperty(name);
      const { body } = await world.call('put', `/Users/${made.id}`, { ...made, nickName: null, phoneNumbers: [] });
      for (const name of ['nickName', 'phoneNumbers']) expect(body).not.toHaveProperty(name);
      expect(JSON.stringify([made, body])).not.toMatch(/null|\[\]/);
      const patched = await world.patch(`/Users/${made.id}`, { op: 'add', value: { title: null, roles: [] } });
      expect(patched.body).not.toHaveProperty('title');
    },
  );

  test(
    proves(
      "an id is nobody else's, stays whatever changes, is not given again and never says bulkId",
      '7643-3.1-02',
      '7643-3.1-03',
      '7643-3.1-04',
      '7643-3.1-06',
    ),
    async () => {
      const seen: string[] = [];
      for (let round = 0; round < 3; round++) {
        const { id } = await world.user({ userName: 'again@acme.test', externalId: 'again' });
        await world.call('put', `/Users/${id}`, { schemas: [USER], userName: `renamed${round}@acme.test` });
        expect((await world.call('get', `/Users/${id}`)).body.id).toBe(id);
        await world.call('delete', `/Users/${id}`);
        const group = await world.group({ displayName: 'again', externalId: 'again' });
        await world.call('delete', `/Groups/${group.id}`);
        seen.push(id, group.id);
      }
      expect(new Set(seen).size).toBe(6);
      expect(seen.join()).not.toMatch(/bulkid/i);
    },
  );

  test(
    proves(
      "externalId is the client's: kept as sent, with its case, and on as many as it says",
      '7643-3.1-08',
      '7643-3.1-10',
      '7643-2.2-05',
      '7644-3.4.2.2-32',
    ),
    async () => {
      const both = [await world.user({ externalId: 'Ex-1' }), await world.user({ externalId: 'Ex-1' })];
      expect(both).toMatchObject([{ externalId: 'Ex-1' }, { externalId: 'Ex-1' }]);
      expect((await world.call('get', '/Users?filter=externalId eq "Ex-1"')).body.totalResults).toBe(2);
      expect((await world.call('get', '/Users?filter=externalId eq "ex-1"')).body.totalResults).toBe(0);
    },
  );

  test(
    proves(
      'text of any script, and any JSON text, comes back unchanged',
      '7643-2.3.1-01',
      '7643-8-01',
      '7644-3.8-01',
      '7644-5-03',
      '7643-4.1.1-05',
      '7643-4.1.1-07',
    ),
    async () => {
      const sent = {
        title: 'Инженер エンジニア مهندس 🚀 é e\u0301',
        nickName: ' "quoted" \\ \t\n </script> ',
        preferredLanguage: 'da, en-gb;q=0.8, en;q=0.7',
        name: {
          formatted: 'Ms. Barbara J Jensen III',
          familyName: 'Jensen',
          givenName: 'Barbara',
          honorificSuffix: 'III',
        },
      };
      const { id } = await world.user(sent);
      expect((await world.call('get', `/Users/${id}`)).body).toMatchObject(sent);
    },
  );

  test(
    proves(
      'the attributes of the RFC for a User come back as they were sent',
      '7643-2.3.2-01',
      '7643-2.3.8-02',
      '7643-2.4-06',
      '7643-4.1.1-06',
      '7643-4.1.1-08',
      '7643-4.1.1-09',
      '7643-4.1.2-04',
      '7643-4.1.2-06',
      '7643-4.1.2-09',
      '7643-4.1.2-15',
      '7643-4.3-02',
      '7643-7-22',
      '7643-2.3.1-02',
    ),
    async () => {
      const sent = {
        profileUrl: 'https://login.acme.test/bjensen',
        locale: 'en-US',
        timezone: 'America/Los_Angeles',
        userType: 'Employee',
        active: true,
        emails: [
          { value: 'bjensen@acme.test', type: 'work', primary: true },
          { value: 'babs@jensen.test', type: 'home' },
          { value: 'cabin@jensen.test', type: 'cabin' },
        ],
        phoneNumbers: [
          { value: 'tel:+1-201-555-0123', type: 'work' },
          { value: '555-555-4444', type: 'mobile' },
        ],
        ims: [{ value: 'someaimhandle', type: 'aim' }],
        photos: [
          { value: 'https://photos.acme.test/F', type: 'photo' },
          { value: 'https://photos.acme.test/T', type: 'thumbnail' },
        ],
        addresses: [
          {
            type: 'work',
            streetAddress: '100 Universal City Plaza',
            locality: 'Hollywood',
            region: 'CA',
            postalCode: '91608',
            country: 'US',
            formatted: '100 Universal City Plaza\nHollywood, CA 91608 USA',
            primary: true,
          },
        ],
        entitlements: [{ value: 'printer' }],
        roles: [{ value: 'whatever', primary: true }],
        x509Certificates: [{ value: 'MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjELMAkGA1UEBhMCVVM=' }],
        [ENTERPRISE]: {
          employeeNumber: '701984',
          costCenter: '4130',
          organization: 'Universal Studios',
          division: 'Theme Park',
          department: 'Tour Operations',
        },
      };
      const { id } = await world.user(sent);
      expect((await world.call('get', `/Users/${id}`)).body).toMatchObject(sent);
    },
  );

  test(proves('a value that does not say primary is not primary', '7643-2.4-02'), async () => {
    await world.user({ emails: [{ value: 'notprimary@acme.test', type: 'work' }] });
    const count = async (filter: string) =>
      (await world.call('get', `/Users?filter=${encodeURIComponent(filter)}`)).body.totalResults;
    expect(await count('emails[value eq "notprimary@acme.test" and primary eq true]')).toBe(0);
    expect(await count('emails[value eq "notprimary@acme.test" and not (primary eq true)]')).toBe(1);
  });

  test(
    proves(
      'a password is neither answered, found nor kept',
      '7643-4.1.1-11',
      '7643-4.1.1-12',
      '7643-4.1.1-13',
      '7643-7-15',
      '7643-7-17',
      '7643-9.2-01',
      '7643-9.2-02',
      '7644-3.9-09',
    ),
    async () => {
      const password = 'Tr0ub4dor&3 horse';
      const created = await post('/Users?attributes=userName,password', {
        schemas: [USER],
        userName: 'pw@acme.test',
        password,
      });
      expect(created.status).toBe(201);
      const path = `/Users/${created.body.id}`;
      const answers = [
        created,
        await world.call('get', `${path}?attributes=password`),
        await world.call('put', path, { schemas: [USER], userName: 'pw@acme.test', password }),
        await world.patch(`${path}?attributes=password`, { op: 'replace', path: 'password', value: password }),
      ];
      expect(JSON.stringify(answers.map(({ body }) => body))).not.toMatch(/password|horse/);
      for (const filter of ['password pr', 'password eq "Tr0ub4dor&3 horse"', 'password sw "T"'])
        expect((await world.call('get', `/Users?filter=${encodeURIComponent(filter)}`)).body).toMatchObject({
          scimType: 'invalidFilter',
        });
      const { store } = world.gatehouse;
      const kept = await store.read.directoryUsers.find(world.organizationId, {});
      const logged = await store.read.provisioningLog.find(world.organizationId, {});
      expect(JSON.stringify([kept, logged])).not.toContain('horse');
    },
  );

  test(
    proves(
      'a certificate is one value in base64, with or without its padding; anything else is refused',
      '7643-2.3.6-01',
      '7643-2.3.6-03',
      '7643-4.1.2-16',
    ),
    async () => {
      for (const value of ['SGVsbG8=', 'SGVsbG8'])
        expect((await world.user({ x509Certificates: [{ value }] })) as object).toMatchObject({
          x509Certificates: [{ value }],
        });
      const answer = await post('/Users', {
        schemas: [USER],
        userName: 'x',
        x509Certificates: [{ value: 'no base64!' }],
      });
      expect(answer.body).toMatchObject({ status: '400', scimType: 'invalidValue' });
    },
  );

  test(proves('a reference is a URI; a photo too', '7643-2.3.7-01', '7643-4.1.1-06', '7643-4.1.2-07'), async () => {
    const sent = {
      profileUrl: 'https://acme.test/ann',
      photos: [{ value: 'https://acme.test/ann.jpg', type: 'photo' }],
    };
    expect((await world.user(sent)) as object).toMatchObject(sent);
    for (const fields of [{ profileUrl: 'no uri at all' }, { photos: [{ value: 'no uri at all' }] }]) {
      const answer = await post('/Users', { schemas: [USER], userName: 'x', ...fields });
      expect(answer.body).toMatchObject({ status: '400', scimType: 'invalidValue' });
    }
  });

  test(proves('a manager is named by the id of a User', '7643-4.3-03', '7643-4.3-04'), async () => {
    const boss = await world.user({ displayName: 'Boss' });
    const manager = { value: boss.id, $ref: `../Users/${boss.id}` };
    const { id } = await world.user({ [ENTERPRISE]: { manager } });
    const { body } = await world.call('get', `/Users/${id}`);
    expect(body[ENTERPRISE].manager).toMatchObject({
      value: boss.id,
      $ref: expect.stringContaining(`Users/${boss.id}`),
    });
  });
});
