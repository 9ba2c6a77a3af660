import { beforeAll, describe, expect, test } from '@jest/globals';
import { ENTERPRISE, GROUP, LIST, openWorld, type ScimWorld, USER } from '../setup.ts';

const CORE = 'urn:ietf:params:scim:schemas:core:2.0:';

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
});

/** Whether a null stands anywhere (Entra reads /Schemas and takes none). */
const hasNull = (value: unknown): boolean =>
  value === null || (typeof value === 'object' && Object.values(value as object).some(hasNull));

interface DescribedAttribute {
  readonly name: string;
  readonly mutability: string;
  readonly required: boolean;
  readonly multiValued: boolean;
  readonly type: string;
  readonly subAttributes?: readonly DescribedAttribute[];
}
interface Described {
  readonly id: string;
  readonly attributes: readonly DescribedAttribute[];
}

/** What is answered has what is required, and nothing that no schema describes. */
function expectDescribed(attributes: readonly DescribedAttribute[], answered: Record<string, unknown>): void {
  const { schemas: _, meta: __, ...rest } = answered;
  const known = new Map(attributes.map((attribute) => [attribute.name, attribute]));
  if (!known.has('id')) delete rest.id;
  expect([...known.keys()]).toEqual(expect.arrayContaining(Object.keys(rest)));
  for (const { name, required, multiValued, type, subAttributes = [] } of attributes) {
    const value = rest[name];
    if (required) expect([name, value === undefined]).toEqual([name, false]);
    if (value === undefined) continue;
    expect([name, Array.isArray(value)]).toEqual([name, multiValued]);
    for (const one of Array.isArray(value) ? value : [value]) {
      // a schema's description of itself goes one level deeper than any schema may
      const self = attributes.filter((attribute) => name === 'subAttributes' && attribute.name === name);
      if (type === 'complex') expectDescribed([...subAttributes, ...self], one);
      else expect([name, typeof one]).toEqual([name, { boolean: 'boolean', integer: 'number' }[type] ?? 'string']);
    }
  }
}

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
      authenticationSchemes: [
        { type: 'oauthbearertoken', primary: true },
        { type: 'oauth2', primary: false },
        { type: 'httpbasic', primary: false },
      ],
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
    expect(body.Resources.map(({ id }: { id: string }) => id)).toEqual([
      USER,
      ENTERPRISE,
      GROUP,
      `${CORE}ServiceProviderConfig`,
      `${CORE}ResourceType`,
      `${CORE}Schema`,
    ]);
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

  test('what discovery answers is described by the schemas that it lists, with every characteristic (RFC 7643 §8.7.2)', async () => {
    const schemas: Described[] = (await world.call('get', '/Schemas')).body.Resources;
    const described = new Map(schemas.map((schema) => [schema.id, schema.attributes]));
    const config = (await world.call('get', '/ServiceProviderConfig')).body;
    const types = (await world.call('get', '/ResourceTypes')).body.Resources;
    for (const answered of [config, ...types, ...schemas]) {
      expectDescribed(described.get(answered.schemas[0]) ?? [], answered);
    }
    const schema = described.get(`${CORE}Schema`);
    expect(schema?.map(({ name, mutability }) => [name, mutability])).toEqual([
      ['id', 'readOnly'],
      ['name', 'readOnly'],
      ['description', 'readOnly'],
      ['attributes', 'readOnly'],
    ]);
  });

  test('cannot be filtered (403) nor written (405)', async () => {
    expect((await world.call('get', '/Schemas?filter=id pr')).status).toBe(403);
    const answer = await world.call('post', '/Schemas', {});
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD']);
  });
});
