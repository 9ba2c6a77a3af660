import { beforeAll, describe, expect, test } from '@jest/globals';
import { ENTERPRISE, ERROR, GROUP, LIST, openWorld, type ScimWorld, USER } from '../setup.ts';
import { proves } from './proves.ts';

interface Described {
  readonly name: string;
  readonly type: string;
  readonly multiValued: boolean;
  readonly required: boolean;
  readonly caseExact?: boolean;
  readonly mutability: string;
  readonly returned: string;
  readonly uniqueness?: string;
  readonly canonicalValues?: readonly string[];
  readonly referenceTypes?: readonly string[];
  readonly subAttributes?: readonly Described[];
}
interface Schema {
  readonly id: string;
  readonly attributes: readonly Described[];
}

const META = 'urn:ietf:params:scim:schemas:core:2.0';

let world: ScimWorld;
let schemas: readonly Schema[];
beforeAll(async () => {
  world = await openWorld();
  schemas = (await world.call('get', '/Schemas')).body.Resources;
});

const schemaOf = (id: string): Schema => {
  const schema = schemas.find((one) => one.id === id);
  if (!schema) throw new Error(`no schema ${id}`);
  return schema;
};
/** All attributes of the schemas of resources, with their sub-attributes. */
const ofResources = () =>
  [USER, ENTERPRISE, GROUP].flatMap((id) =>
    schemaOf(id).attributes.flatMap((one) => [one, ...(one.subAttributes ?? [])]),
  );
const find = (id: string, path: string): Described => {
  const [name, sub] = path.split('.');
  const attribute = schemaOf(id).attributes.find((one) => one.name === name);
  const found = sub === undefined ? attribute : attribute?.subAttributes?.find((one) => one.name === sub);
  if (!found) throw new Error(`no attribute ${path}`);
  return found;
};

describe('ServiceProviderConfig (RFC 7643 §5)', () => {
  test(
    proves(
      'one document without id, of its own schema, with every part that is required',
      '7643-5-01',
      '7643-5-03',
      '7643-5-04',
      '7643-5-05',
      '7643-5-06',
      '7643-5-07',
      '7643-5-08',
      '7643-5-09',
      '7643-5-10',
      '7643-5-11',
      '7643-5-12',
      '7643-5-13',
      '7643-5-14',
      '7643-5-15',
      '7643-5-16',
      '7644-4-01',
    ),
    async () => {
      const { status, body } = await world.call('get', '/ServiceProviderConfig');
      expect(status).toBe(200);
      expect(body.schemas).toEqual([`${META}:ServiceProviderConfig`]);
      for (const absent of ['id', 'externalId', 'Resources', 'totalResults']) expect(body).not.toHaveProperty(absent);
      for (const part of ['patch', 'bulk', 'filter', 'changePassword', 'sort', 'etag'])
        expect(body[part].supported).toEqual(expect.any(Boolean));
      for (const number of [body.bulk.maxOperations, body.bulk.maxPayloadSize, body.filter.maxResults])
        expect(Number.isInteger(number)).toBe(true);
      expect(body.authenticationSchemes.length).toBeGreaterThan(0);
      for (const scheme of body.authenticationSchemes) {
        expect(['oauth', 'oauth2', 'oauthbearertoken', 'httpbasic', 'httpdigest']).toContain(scheme.type);
        expect([scheme.name, scheme.description]).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)]);
        for (const uri of [scheme.specUri, scheme.documentationUri])
          if (uri !== undefined) expect(URL.canParse(uri)).toBe(true);
      }
      if (body.documentationUri !== undefined) expect(URL.canParse(body.documentationUri)).toBe(true);
      expect(body.meta).toMatchObject({
        resourceType: 'ServiceProviderConfig',
        location: `${world.base}/ServiceProviderConfig`,
      });
      expect(body.changePassword.supported).toBe(false);
    },
  );
});

describe('ResourceTypes (RFC 7643 §6)', () => {
  test(
    proves(
      'a list of types, each readable by its name; name, endpoint and schemas are those of its resources',
      '7643-6-01',
      '7643-6-02',
      '7643-6-03',
      '7643-6-04',
      '7643-6-05',
      '7643-6-06',
      '7643-6-08',
      '7644-4-04',
      '7644-4-05',
      '7644-3.4.2-01',
    ),
    async () => {
      const { body } = await world.call('get', '/ResourceTypes');
      expect(body).toMatchObject({ schemas: [LIST], totalResults: body.Resources.length });
      const ids = schemas.map(({ id }) => id);
      for (const type of body.Resources) {
        expect(type.schemas).toEqual([`${META}:ResourceType`]);
        expect([type.id, type.description]).toEqual([type.name, expect.any(String)]);
        expect(ids).toContain(type.schema);
        for (const { schema, required } of type.schemaExtensions ?? []) {
          expect(ids).toContain(schema);
          expect(required).toBe(false);
        }
        expect((await world.call('get', `/ResourceTypes/${type.name}`)).body).toEqual(type);
        expect(type.meta).toEqual({
          resourceType: 'ResourceType',
          location: `${world.base}/ResourceTypes/${type.name}`,
        });
        const made = await (type.name === 'User' ? world.user() : world.group());
        const read = await world.call('get', `${type.endpoint}/${made.id}`);
        expect(read.body).toMatchObject({ schemas: [type.schema], meta: { resourceType: type.name } });
      }
      expect(body.Resources.map(({ name }: { name: string }) => name)).toEqual(['User', 'Group']);
    },
  );
});

describe('Schemas (RFC 7643 §7, §8.7)', () => {
  test(
    proves(
      'a list of schemas, each readable by its URN in any case, without a null',
      '7643-7-01',
      '7643-7-02',
      '7643-7-03',
      '7643-2.5-03',
      '7644-4-02',
      '7644-4-03',
      '7644-3.10-04',
    ),
    async () => {
      const { body } = await world.call('get', '/Schemas');
      expect(body).toMatchObject({ schemas: [LIST], totalResults: schemas.length });
      expect(new Set(schemas.map(({ id }) => id)).size).toBe(schemas.length);
      expect(JSON.stringify(body)).not.toContain('null');
      for (const schema of body.Resources) {
        expect(schema).toMatchObject({
          schemas: [`${META}:Schema`],
          name: expect.stringMatching(/./),
          description: expect.any(String),
          meta: { resourceType: 'Schema', location: `${world.base}/Schemas/${schema.id}` },
        });
        for (const id of [schema.id, schema.id.toUpperCase()])
          expect((await world.call('get', `/Schemas/${id}`)).body).toEqual(schema);
      }
    },
  );

  test(
    proves('the schemas of ServiceProviderConfig, ResourceType and Schema can be read too', '7643-8.7-04'),
    async () => {
      for (const name of ['ServiceProviderConfig', 'ResourceType', 'Schema'])
        expect((await world.call('get', `/Schemas/${META}:${name}`)).body).toMatchObject({ id: `${META}:${name}` });
      const config = (await world.call('get', '/ServiceProviderConfig')).body;
      const described = schemaOf(`${META}:ServiceProviderConfig`).attributes.map(({ name }) => name);
      expect(described).toEqual(
        expect.arrayContaining(Object.keys(config).filter((key) => !/^(schemas|meta)$/.test(key))),
      );
    },
  );

  test(
    proves(
      'every attribute says its name, type and characteristics in the words of the RFC',
      '7643-7-05',
      '7643-7-06',
      '7643-7-07',
      '7643-7-08',
      '7643-7-09',
      '7643-7-10',
      '7643-7-11',
      '7643-7-12',
      '7643-2.3.2-02',
      '7643-2.3.6-02',
      '7643-2.3.7-02',
      '7643-2.3.7-04',
      '7643-2.3.8-01',
      '7643-2.1-03',
    ),
    async () => {
      const types = ['string', 'boolean', 'decimal', 'integer', 'dateTime', 'binary', 'reference', 'complex'];
      for (const attribute of ofResources()) {
        const { name, type, mutability, returned, uniqueness, caseExact, subAttributes } = attribute;
        expect(name).toMatch(/^[A-Za-z$][\w$-]*$/);
        expect(types).toContain(type);
        expect([attribute.multiValued, attribute.required]).toEqual([expect.any(Boolean), expect.any(Boolean)]);
        expect(['readOnly', 'readWrite', 'immutable', 'writeOnly']).toContain(mutability);
        expect(['always', 'never', 'default', 'request']).toContain(returned);
        expect([undefined, 'none', 'server', 'global']).toContain(uniqueness);
        if (type === 'complex') expect(subAttributes?.length).toBeGreaterThan(0);
        else expect(subAttributes).toBeUndefined();
        for (const sub of subAttributes ?? []) expect([name, sub.type]).not.toEqual([name, 'complex']);
        if (type === 'reference' || type === 'binary') expect([name, caseExact]).toEqual([name, true]);
        if (type === 'reference') expect([name, attribute.referenceTypes?.length]).not.toEqual([name, undefined]);
        if (type === 'boolean') expect([caseExact ?? false, uniqueness ?? 'none']).toEqual([false, 'none']);
      }
      expect(schemaOf(USER).attributes.map(({ name }) => name)).not.toContain('id');
    },
  );

  test(
    proves(
      'characteristics that the RFC does not state have its defaults',
      '7643-2.2-01',
      '7643-2.2-02',
      '7643-2.2-03',
      '7643-2.2-04',
      '7643-2.2-05',
      '7643-2.2-06',
      '7643-7-18',
      '7643-3.1-20',
    ),
    async () => {
      for (const name of ['nickName', 'title', 'userType', 'displayName', 'locale', 'timezone', 'preferredLanguage'])
        expect(find(USER, name)).toMatchObject({
          type: 'string',
          multiValued: false,
          required: false,
          caseExact: false,
          mutability: 'readWrite',
          returned: 'default',
          uniqueness: 'none',
        });
      for (const { attributes } of schemas.filter(({ id }) => [USER, GROUP, ENTERPRISE].includes(id)))
        for (const common of ['meta', 'schemas', 'id'])
          expect(attributes.map(({ name }) => name)).not.toContain(common);
    },
  );

  const user =
    'userName name displayName nickName profileUrl title userType preferredLanguage locale timezone active password ' +
    'emails phoneNumbers ims photos addresses groups entitlements roles x509Certificates';
  test(
    proves(
      'the schemas list the attributes of the RFC with their characteristics',
      '7643-8.7-01',
      '7643-8.7-02',
      '7643-8.7-03',
      '7643-2.4-05',
      '7643-4.1.1-15',
      '7643-4.1.2-03',
      '7643-4.1.2-05',
      '7643-4.1.2-08',
      '7643-4.1.2-11',
      '7643-4.2-05',
      '7643-4.3-05',
    ),
    async () => {
      const names = (id: string) => schemaOf(id).attributes.map(({ name }) => name);
      expect(names(USER)).toEqual(expect.arrayContaining(user.split(' ')));
      expect(names(GROUP)).toEqual(expect.arrayContaining(['displayName', 'members']));
      // Entra's validator maps it, and looks for it here
      for (const id of [USER, GROUP])
        expect(find(id, 'externalId')).toMatchObject({ type: 'string', caseExact: true, mutability: 'readWrite' });
      expect(names(ENTERPRISE)).toEqual(
        expect.arrayContaining(['employeeNumber', 'costCenter', 'organization', 'division', 'department', 'manager']),
      );
      expect(find(USER, 'userName')).toMatchObject({ required: true, uniqueness: 'server', caseExact: false });
      expect(find(USER, 'password')).toMatchObject({ mutability: 'writeOnly', returned: 'never' });
      expect(find(USER, 'groups')).toMatchObject({ mutability: 'readOnly', multiValued: true, type: 'complex' });
      expect(find(USER, 'groups.type').canonicalValues).toEqual(['direct', 'indirect']);
      expect(find(USER, 'profileUrl')).toMatchObject({ type: 'reference', referenceTypes: ['external'] });
      expect(find(USER, 'emails.type').canonicalValues).toEqual(['work', 'home', 'other']);
      expect(new Set(find(USER, 'phoneNumbers.type').canonicalValues)).toEqual(
        new Set(['work', 'home', 'mobile', 'fax', 'pager', 'other']),
      );
      expect(find(USER, 'photos.type').canonicalValues).toEqual(['photo', 'thumbnail']);
      expect(find(USER, 'x509Certificates.value')).toMatchObject({ type: 'binary', caseExact: true });
      for (const name of ['emails', 'phoneNumbers', 'ims', 'photos', 'entitlements', 'roles', 'x509Certificates']) {
        expect(find(USER, name)).toMatchObject({ type: 'complex', multiValued: true });
        expect(find(USER, `${name}.primary`).type).toBe('boolean');
        for (const sub of ['type', 'display']) expect(find(USER, `${name}.${sub}`).type).toBe('string');
      }
      for (const part of ['formatted', 'familyName', 'givenName', 'middleName', 'honorificPrefix', 'honorificSuffix'])
        expect(find(USER, `name.${part}`).type).toBe('string');
      for (const part of ['formatted', 'streetAddress', 'locality', 'region', 'postalCode', 'country'])
        expect(find(USER, `addresses.${part}`).type).toBe('string');
      expect(find(GROUP, 'displayName').required).toBe(true);
      expect(find(GROUP, 'members').multiValued).toBe(true);
      for (const part of ['value', '$ref', 'type']) expect(find(GROUP, `members.${part}`).mutability).toBe('immutable');
      expect(find(GROUP, 'members.type').canonicalValues).toEqual(['User', 'Group']);
      expect(find(GROUP, 'members.$ref').referenceTypes).toEqual(['User', 'Group']);
      expect(find(ENTERPRISE, 'manager.displayName').mutability).toBe('readOnly');
      expect(find(ENTERPRISE, 'manager.$ref').referenceTypes).toEqual(['User']);
    },
  );
});

describe('all of them (RFC 7644 §4)', () => {
  const paths = ['/ServiceProviderConfig', '/ResourceTypes', '/ResourceTypes/User', '/Schemas', `/Schemas/${USER}`];

  test.each(paths)(
    proves('%s cannot be written', '7643-5-02', '7643-6-07', '7643-7-04', '7644-4-09', '7644-3.2-03'),
    async (path) => {
      for (const verb of ['post', 'put', 'patch', 'delete'] as const) {
        const answer = await world.call(verb, path, verb === 'delete' ? undefined : { schemas: [] });
        expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD']);
        expect(answer.body).toMatchObject({ schemas: [ERROR], status: '405' });
      }
    },
  );

  test.each(paths)(
    proves('%s is 403 with a filter, and the same with sorting or paging', '7644-4-07', '7644-4-08', '7644-3.12-07'),
    async (path) => {
      const refused = await world.call('get', `${path}?filter=id eq "User"`);
      expect([refused.status, refused.body.status]).toEqual([403, '403']);
      const plain = await world.call('get', path);
      const asked = await world.call('get', `${path}?sortBy=id&sortOrder=descending&startIndex=2&count=1`);
      expect([asked.status, asked.body]).toEqual([200, plain.body]);
    },
  );

  test(proves('a schema or type that does not exist is 404', '7644-4-06', '7644-3.12-08'), async () => {
    for (const path of ['/Schemas/urn:none', '/ResourceTypes/Robot', '/ServiceProviderConfig/x'])
      expect((await world.call('get', path)).body).toEqual({
        schemas: [ERROR],
        status: '404',
        detail: expect.any(String),
      });
  });
});
