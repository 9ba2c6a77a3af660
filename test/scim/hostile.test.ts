/** What no honest client sends, and what many send at once: precise answers, nothing changed, nobody held up (OPS-1). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { exportSPKI, generateKeyPair } from 'jose';
import { listLog } from '../../src/directory/index.ts';
import { redactBeginning } from '../../src/scim/safety.ts';
import { openWorld, type ScimWorld, USER } from './setup.ts';

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
});

const refusal = (answer: { status: number; body: { scimType?: string } }) => [answer.status, answer.body.scimType];
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const management = () => `/api/v1/organizations/${world.organizationId}/directories/${world.directory._id}`;
const many = (count: number, name: (index: number) => string) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [name(index), 1]));

describe('at the token endpoint', () => {
  const send = (assertion: string) =>
    world.gatehouse.request.post(`/scim/v2/${world.directory._id}/oauth/token`).type('form').send({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    });

  test.each<[unknown]>([[null], [[]], [{}], [{ $ne: '' }], [{ $foo: 1 }], [5]])(
    'an assertion whose issuer is %j is none of any client (RFC 7521 §4.2.1)',
    async (iss) => {
      const answer = await send(`${part({ alg: 'RS256' })}.${part({ iss, sub: 'x' } as object)}.AA`);
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
    },
  );

  test.each(['ES384', 'RS256', 'EdDSA'])('%s by a key of another curve or kind proves nothing', async (alg) => {
    const client = await world.gatehouse.operator('post', `${management()}/oauth-clients`).send({ name: 'Curve' });
    const pem = await exportSPKI((await generateKeyPair('ES256', { extractable: true })).publicKey);
    const key = { name: 'ec', pem };
    await world.gatehouse.operator('post', `${management()}/oauth-clients/${client.body.client.id}/keys`).send(key);
    const { id } = client.body.client;
    const answer = await send(`${part({ alg })}.${part({ iss: id, sub: id })}.AAAA`);
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
  });
});

describe('cursors', () => {
  test.each(['meta.created', 'meta.lastModified', 'userName', 'active', 'id', 'title'])(
    'of sortBy=%s with a key of another kind are refused, or begin somewhere (RFC 9865 §2.1)',
    async (sortBy) => {
      await world.user();
      await world.user();
      const path = `/Users?sortBy=${sortBy}&count=1`;
      const { nextCursor } = (await world.call('get', `${path}&cursor`)).body;
      const held: unknown[] = JSON.parse(Buffer.from(nextCursor, 'base64url').toString());
      for (const key of ['x', 1e300, -1, true, '', 5]) {
        const cursor = Buffer.from(JSON.stringify([...held.slice(0, 3), key])).toString('base64url');
        const answer = await world.call('get', `${path}&cursor=${cursor}`);
        if (answer.status !== 200) expect(refusal(answer)).toEqual([400, 'invalidCursor']);
      }
    },
  );

  test('go on behind a userName of 1,024 control characters', async () => {
    const { id } = await world.user({ userName: '\u0001'.repeat(1024) });
    const path = '/Users?sortBy=userName&count=1';
    const first = await world.call('get', `${path}&cursor`);
    expect(first.body.Resources[0].id).toBe(id);
    expect((await world.call('get', `${path}&cursor=${first.body.nextCursor}`)).status).toBe(200);
  });
});

describe('a great many of something', () => {
  test('names in one object are refused, by POST and by PATCH, at once', async () => {
    const { id } = await world.user();
    const wide = many(60_000, (index) => `k${index}`);
    for (const answer of [
      await world.call('post', '/Users', { schemas: [USER], userName: 'wide', name: wide }),
      await world.call('post', '/Users', { schemas: [USER], userName: 'wide', ...wide }),
      await world.patch(`/Users/${id}`, { op: 'add', value: wide }),
    ])
      expect(refusal(answer)).toEqual([400, 'invalidSyntax']);
    const steps = Array.from({ length: 3 }, (_, step) => ({
      op: 'add',
      value: many(400, (index) => `step${step}n${index}`),
    }));
    expect(refusal(await world.patch(`/Users/${id}`, ...steps))).toEqual([400, 'invalidValue']);
    expect((await world.call('get', `/Users/${id}`)).body).not.toHaveProperty('step0n0');
  });

  test('values that as many operations would go through are refused, and nothing is changed', async () => {
    const phoneNumbers = Array.from({ length: 20_000 }, (_, index) => ({ value: `+${index}` }));
    const { id } = await world.user({ phoneNumbers });
    const operations = Array.from({ length: 100 }, (_, index) => ({
      op: 'replace',
      path: 'phoneNumbers[type ne "q"].display',
      value: `d${index}`,
    }));
    expect(refusal(await world.patch(`/Users/${id}`, ...operations))).toEqual([400, 'invalidValue']);
    expect((await world.call('get', `/Users/${id}`)).body.phoneNumbers[0]).not.toHaveProperty('display');
    await world.call('delete', `/Users/${id}`);
  });

  test('values of an attribute that no schema has are added to as many, each once', async () => {
    const urn = 'urn:example:tags:1.0:User';
    const tags = Array.from({ length: 30_000 }, (_, index) => `t${index}`);
    const { id } = await world.user({ [urn]: { tags } });
    const more = tags.map((_, index) => `t${index + 15_000}`);
    const answer = await world.patch(`/Users/${id}`, { op: 'add', path: `${urn}:tags`, value: more });
    expect(answer.body[urn].tags).toHaveLength(45_000);
    await world.call('delete', `/Users/${id}`);
  });

  test('look-ups of one person by address, as Entra makes them, are all answered at once', async () => {
    const value = 'entra@acme.test';
    const { id } = await world.user({ emails: [{ value, type: 'work' }] });
    const filters = [`emails[type eq "work"].value eq "${value}"`, `emails[type eq "work" and value eq "${value}"]`];
    const asked = Array.from({ length: 60 }, (_, index) =>
      world.call('get', `/Users?filter=${encodeURIComponent(filters[index % 2] ?? '')}`),
    );
    for (const { status, body } of await Promise.all(asked)) {
      expect([status, body.Resources?.map((user: { id: string }) => user.id)]).toEqual([200, [id]]);
    }
  });

  test('conditions on addresses and long texts are answered, whatever the store can take of them', async () => {
    const { id } = await world.user({ displayName: 'Wide', emails: [{ value: 'wide@acme.test' }] });
    const any = Array.from({ length: 60 }, (_, index) => `emails.value sw "${index}"`).join(' or ');
    const search = (filter: string) =>
      world.call('post', '/Users/.search', {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
        filter,
        attributes: ['userName'],
      });
    const found = await search(`${any} or emails.value sw "wide@"`);
    expect(found.body.Resources.map((user: { id: string }) => user.id)).toEqual([id]);
    const long = await search(`displayName co "${'\u0958'.repeat(5_500)}"`);
    expect([long.status, long.body.totalResults]).toEqual([200, 0]);
  });
});

describe('a table that has changed since', () => {
  const urn = 'urn:example:changed:1.0:User';
  const register = async (attributes: object[]) => {
    const path = `${management()}/schemas/${encodeURIComponent(urn)}`;
    const answer = await world.gatehouse.operator('put', path).send({ name: 'Changed', attributes });
    expect(answer.status).toBe(200);
  };

  test('lets values of their former shape be replaced and removed (SCIM-1)', async () => {
    const values = { room: 'abc', list: ['a', 'b'], one: { x: 1 }, kept: 'k' };
    const made = [await world.user({ [urn]: values }), await world.user({ [urn]: values })];
    await register([
      { name: 'room', type: 'complex', subAttributes: [{ name: 'floor', type: 'integer' }] },
      { name: 'list' },
      { name: 'one', multiValued: true },
      { name: 'kept' },
    ]);
    const [a, b] = made.map(({ id }) => `/Users/${id}`);
    const replaced = await world.patch(
      String(a),
      { op: 'replace', path: `${urn}:room.floor`, value: 1 },
      { op: 'replace', path: `${urn}:list`, value: 'c' },
      { op: 'replace', path: `${urn}:one`, value: ['y'] },
    );
    expect([replaced.status, replaced.body[urn]]).toEqual([
      200,
      { room: { floor: 1 }, list: 'c', one: ['y'], kept: 'k' },
    ]);
    const paths = ['room.floor', 'list', 'one'].map((name) => ({ op: 'remove', path: `${urn}:${name}` }));
    const removed = await world.patch(String(b), ...paths);
    expect([removed.status, removed.body[urn]]).toEqual([200, { kept: 'k' }]);
  });

  test('is not left to a library that takes names for ways: a list of one is its element', async () => {
    const { id } = await world.user({ name: { a: 's', givenName: 'G' } });
    const value = [{ 'a.b': 1, 'x:y': 2 }];
    const answer = await world.patch(`/Users/${id}`, { op: 'replace', path: 'name', value });
    expect([answer.status, answer.body.name]).toEqual([200, { a: 's', givenName: 'G', 'a.b': 1, 'x:y': 2 }]);
  });
});

describe('what is asked for in an unusual way', () => {
  test.each(['name', 'meta', 'addresses'])('sortBy=%s needs one of its parts (RFC 7644 §3.4.2.3)', async (name) => {
    expect(refusal(await world.call('get', `/Users?sortBy=${name}`))).toEqual([400, 'invalidValue']);
  });

  test('blanks of a filter come as + and as %20, a + in its texts is one', async () => {
    const { id } = await world.user({ displayName: 'Sales Team+1' });
    for (const query of ['displayName+eq+%22Sales%20Team%2B1%22', 'displayName%20eq+%22Sales%20Team+1%22']) {
      const { body } = await world.call('get', `/Users?filter=${query}`);
      expect(body.Resources.map((user: { id: string }) => user.id)).toEqual([id]);
    }
  });

  test('the text of a path may speak of a constructor; its names may not', async () => {
    const value = 'bob@eu.constructor.io';
    const { id } = await world.user({ emails: [{ value }, { value: 'kept@acme.test' }] });
    const answer = await world.patch(`/Users/${id}`, { op: 'remove', path: `emails[value eq "${value}"]` });
    expect([answer.status, answer.body.emails]).toEqual([200, [{ value: 'kept@acme.test' }]]);
  });

  test('values are removed whatever the order of their keys', async () => {
    const address = { type: 'work', locality: 'Bern', country: 'CH' };
    const { id } = await world.user({ addresses: [address] });
    const value = [{ country: 'CH', locality: 'Bern', type: 'work' }];
    const answer = await world.patch(`/Users/${id}`, { op: 'remove', path: 'addresses', value });
    expect([answer.status, answer.body.addresses]).toEqual([200, undefined]);
  });

  test('somebody in a group is found by the version that is answered', async () => {
    const { id } = await world.user();
    await world.group({ members: [{ value: id }] });
    const { meta } = (await world.call('get', `/Users/${id}`)).body;
    const filter = encodeURIComponent(`id eq "${id}" and meta.version eq ${JSON.stringify(meta.version)}`);
    expect((await world.call('get', `/Users?filter=${filter}`)).body.totalResults).toBe(1);
  });

  test('long lists under names that are numbers keep what is theirs', async () => {
    const long = (letter: string) => Array.from({ length: 70_000 }, (_, index) => `${letter}${index}`);
    const urn = 'urn:example:long:1.0:User';
    const { id } = await world.user({ [urn]: { b: long('b'), 1: long('n') } });
    const { body } = await world.call('get', `/Users/${id}`);
    expect([body[urn].b[0], body[urn]['1'][0]]).toEqual(['b0', 'n0']);
    await world.call('delete', `/Users/${id}`);
  });
});

describe('the provisioning log', () => {
  test('keeps no password that a filter asked for, in the address or in a body (SCIM-5)', async () => {
    const secret = 'hunter2hunter2';
    await world.call('post', '/Users/.search', { filter: `password eq "${secret}"` });
    await world.call('get', `/Users?filter=${encodeURIComponent(`password eq "${secret}"`)}`);
    await world.call('get', `/Users?filter=pass%77ord+eq+%22${secret}%22&x=1`);
    await world.gatehouse.flush();
    const { items } = await listLog(world.gatehouse.store.read, world.organizationId, { limit: 3 });
    expect(items.map(({ status }) => status)).toEqual([400, 400, 400]);
    expect(JSON.stringify(items)).not.toContain(secret);
    expect(items[0]?.path).toMatch(/&x=1$/);
  });

  test('cuts the beginning of an answer at the first name of a secret, in one pass', () => {
    const note = JSON.stringify({ note: `${'token'.repeat(200_000)}\\"`, password: 'x', more: 1 });
    expect(redactBeginning(note)).toBe(note.slice(0, note.indexOf('"password"')));
    const open = note.slice(0, 900_000);
    expect(redactBeginning(open)).toBe(open);
  });
});
