/** A Gatehouse with one organization and one directory, and SCIM calls to it. */
import type supertest from 'supertest';
import { createOrganization } from '../../src/access/index.ts';
import { createDirectory, issueToken } from '../../src/directory/index.ts';
import { openSealer } from '../../src/lib/secrets.ts';
import type { Cause, Directory } from '../../src/store/index.ts';
import { openTestGatehouse, type TestGatehouse, type TestGatehouseOptions, testBaseUrl } from '../support/gatehouse.ts';

export const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
export const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';
export const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

export type Verb = 'get' | 'post' | 'put' | 'patch' | 'delete';
type Json = Record<string, unknown>;

export interface ScimWorld {
  readonly gatehouse: TestGatehouse;
  readonly directory: Directory;
  readonly organizationId: string;
  readonly token: string;
  /** The absolute address of the directory's endpoint. */
  readonly base: string;
  /** One call with the directory's token; bodies go as application/scim+json. */
  call(verb: Verb, path: string, body?: object): Promise<supertest.Response>;
  /** The same in another directory of another organization. */
  user(fields?: Json): Promise<Json & { id: string }>;
  group(fields?: Json): Promise<Json & { id: string }>;
  patch(path: string, ...operations: object[]): Promise<supertest.Response>;
}

export const cause: Cause = { actor: 'operator', requestId: 'req-test' };
export const ownerEmail = 'owner@acme.test';
const sealer = openSealer('a key of the tests');

/** Makes an organization with a directory and a token in an open Gatehouse. */
export async function addWorld(gatehouse: TestGatehouse, name: string): Promise<ScimWorld> {
  const { directory, secret } = await gatehouse.store.transaction(cause, async (tx) => {
    const { organization } = await createOrganization(tx, sealer, {
      name,
      owner: { email: name === 'Acme' ? ownerEmail : `owner@${name.toLowerCase()}.test`, name: 'Olive Owner' },
    });
    const made = await createDirectory(tx, organization._id, { name: 'IdP' });
    return { directory: made, ...(await issueToken(tx, organization._id, made._id, { name: 'first' })) };
  });
  return worldOf(gatehouse, directory, secret);
}

/** Another directory of the same organization. */
export async function addDirectory({ gatehouse, organizationId }: ScimWorld): Promise<ScimWorld> {
  const { directory, secret } = await gatehouse.store.transaction(cause, async (tx) => {
    const made = await createDirectory(tx, organizationId, { name: 'Other IdP' });
    return { directory: made, ...(await issueToken(tx, organizationId, made._id, { name: 'first' })) };
  });
  return worldOf(gatehouse, directory, secret);
}

function worldOf(gatehouse: TestGatehouse, directory: Directory, secret: string): ScimWorld {
  const root = `/scim/v2/${directory._id}`;
  let made = 0;
  const call = async (verb: Verb, path: string, body?: object) => {
    const asked = gatehouse.bearer(secret, verb, root + path);
    return body === undefined ? asked : asked.type('application/scim+json').send(JSON.stringify(body));
  };
  const create = async (path: string, body: Json) => {
    const answer = await call('post', path, body);
    if (answer.status !== 201) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
    return answer.body;
  };
  return {
    gatehouse,
    directory,
    organizationId: directory.organizationId,
    token: secret,
    base: testBaseUrl + root,
    call,
    user: (fields = {}) => create('/Users', { schemas: [USER], userName: `person${++made}@acme.test`, ...fields }),
    group: (fields = {}) => create('/Groups', { schemas: [GROUP], displayName: `Group ${++made}`, ...fields }),
    patch: (path, ...Operations) => call('patch', path, { schemas: [PATCH], Operations }),
  };
}

/** A fresh Gatehouse with the organization Acme. */
export async function openWorld(options: TestGatehouseOptions = {}): Promise<ScimWorld> {
  return addWorld(await openTestGatehouse(options), 'Acme');
}
