import { beforeAll, describe, expect, test } from '@jest/globals';
import { ENTERPRISE, GROUP, LIST, openWorld, type ScimWorld, USER } from '../setup.ts';

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
});

/** Whether a null stands anywhere (Entra reads /Schemas and takes none). */
const hasNull = (value: unknown): boolean =>
  value === null || (typeof value === 'object' && Object.values(value as object).some(hasNull));

describe('discovery (RFC 7643 §5 to §7, RFC 7644 §4)', () => {
  test('ServiceProviderConfig announces what works, and nothing else', async () => {
    const { status, body } = await world.call('get', '/ServiceProviderConfig');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
      patch: { supported: true },
      bulk: { supported: true, maxOperations: 1000, maxPayloadSize: 8 * 1024 * 1024 },
      filter: { supported: true, maxResults: 200 },
      changePassword: { supported: false },
      sort: { supported: true },
      etag: { supported: true },
      authenticationSchemes: [{ type: 'oauthbearertoken', primary: true }],
      meta: { resourceType: 'ServiceProviderConfig', location: `${world.base}/ServiceProviderConfig` },
    });
  });

  test('ResourceTypes: the list, and each by its name', async () => {
    const { body } = await world.call('get', '/ResourceTypes');
    expect(body).toMatchObject({ schemas: [LIST], totalResults: 2 });
    expect(
      body.Resources.map(({ name, endpoint, schema }: Record<string, string>) => [name, endpoint, schema]),
    ).toEqual([
      ['User', '/Users', USER],
      ['Group', '/Groups', GROUP],
    ]);
    const one = await world.call('get', '/ResourceTypes/User');
    expect(one.body).toEqual(body.Resources[0]);
    expect(one.body.schemaExtensions).toEqual([{ schema: ENTERPRISE, required: false }]);
    expect((await world.call('get', '/ResourceTypes/Robot')).status).toBe(404);
  });

  test('Schemas: the list, and each by its URN, without nulls', async () => {
    const { body } = await world.call('get', '/Schemas');
    expect(body.Resources.map(({ id }: { id: string }) => id)).toEqual([USER, ENTERPRISE, GROUP]);
    expect(hasNull(body)).toBe(false);
    for (const schema of body.Resources) {
      expect((await world.call('get', `/Schemas/${schema.id}`)).body).toEqual(schema);
      expect(schema.meta).toEqual({ resourceType: 'Schema', location: `${world.base}/Schemas/${schema.id}` });
    }
    const userName = body.Resources[0].attributes.find(({ name }: { name: string }) => name === 'userName');
    expect(userName).toEqual({
      name: 'userName',
      type: 'string',
      multiValued: false,
      description: expect.any(String),
      required: true,
      caseExact: false,
      mutability: 'readWrite',
      returned: 'default',
      uniqueness: 'server',
    });
    expect((await world.call('get', '/Schemas/urn:unknown')).status).toBe(404);
  });

  test('cannot be filtered (403) nor written (405)', async () => {
    expect((await world.call('get', '/Schemas?filter=id pr')).status).toBe(403);
    const answer = await world.call('post', '/Schemas', {});
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD']);
  });
});
