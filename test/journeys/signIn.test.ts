/** From an IdP that nobody knows to people who come and go by its word, over HTTP, by each protocol (SSO-1 … SSO-8, MEM-5, SCIM-3). */
import { afterAll, describe, expect, test } from '@jest/globals';
import type { Response } from 'supertest';
import {
  factsFor,
  issueResponse,
  makeSamlKey,
  readSamlRequest,
  type SamlIdp,
  samlVendors,
  writeIdpMetadata,
} from '../../src/simulator/index.ts';
import { serve } from '../sso/idpMetadata.ts';
import { openEvilIdp } from '../sso/oidc/evilIdp.ts';
import { type Browser, openBrowser } from '../sso/web/browser.ts';
import { type Method, openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { until } from '../support/until.ts';

interface Person {
  readonly id: string;
  readonly name: string;
  readonly groups: readonly string[];
}

/** An IdP as the journey needs it: what an admin types in, and how it answers a browser that was sent to it. */
interface Idp {
  readonly settings: object;
  answer(browser: Browser, sent: Response, person: Person): Promise<Response>;
}

const toClose: (() => Promise<void>)[] = [];
afterAll(() => Promise.all(toClose.map((close) => close())));

const emailOf = ({ name }: Person) => `${name}@acme.test`;

async function openSamlIdp(): Promise<Idp> {
  const key = await makeSamlKey('journey');
  const idp: SamlIdp = {
    entityId: 'https://idp.test/entity',
    ssoUrl: 'https://idp.test/sso',
    vendor: samlVendors.okta,
    keys: [key],
  };
  const base = await serve((_request, response) => void response.end(writeIdpMetadata(idp)));
  return {
    settings: { preset: 'okta', saml: { metadataUrl: `${base}/metadata` } },
    async answer(browser, sent, person) {
      const { searchParams } = new URL(sent.headers.location ?? '');
      const request = readSamlRequest(searchParams.get('SAMLRequest') ?? '', 'redirect');
      const to = { entityId: request.issuer, acsUrl: request.acsUrl ?? '' };
      const someone = {
        ...{ id: person.id, email: emailOf(person), givenName: person.name, familyName: 'Lee' },
        groups: [...person.groups],
      };
      const facts = factsFor(idp, to, someone, { request: request.id, at: new Date() });
      const field = Buffer.from(await issueResponse(idp, to, facts)).toString('base64');
      const RelayState = searchParams.get('RelayState') ?? '';
      return browser.post(
        new URL(to.acsUrl).pathname,
        { SAMLResponse: field, RelayState },
        { Origin: 'https://idp.test' },
      );
    },
  };
}

async function openOidcIdp(): Promise<Idp> {
  const idp = await openEvilIdp();
  toClose.push(() => idp.close());
  return {
    settings: { preset: 'okta', oidc: { issuer: idp.issuer, clientId: 'gatehouse', clientSecret: 'a secret' } },
    answer(browser, sent, person) {
      const claims = { sub: person.id, email: emailOf(person), email_verified: true, name: person.name };
      const { pathname, search } = idp.authorize(sent.headers.location ?? '', { ...claims, groups: person.groups });
      return browser.open(pathname + search);
    },
  };
}

/** An organization with what its admin does, and people with browsers. */
async function openScene(gatehouse: TestGatehouse, idp: Idp) {
  async function ask(status: number, method: Method, path: string, body?: object) {
    const answer = await gatehouse.operator(method, path).send(body);
    if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
  const owner = { email: 'olivia@acme.test' };
  const organization = await ask(201, 'post', '/api/v1/organizations', { name: 'Acme', owner });
  const home = `/api/v1/organizations/${organization.id}`;
  const project = await ask(201, 'post', `${home}/projects`, { name: 'production' });
  const connection = await ask(201, 'post', `${home}/connections`, { name: 'IdP', ...idp.settings });
  const path = `${home}/connections/${connection.id}`;
  const start = (browser: Browser) => browser.open(`/sso/start?connection=${connection.id}`);
  return {
    ask,
    home,
    project,
    path,
    organizationId: organization.id as string,
    start,
    signIn: async (browser: Browser, person: Person) => idp.answer(browser, await start(browser), person),
    me: (browser: Browser) => browser.open('/api/v1/me'),
    groupId: async (directoryId: string, name: string): Promise<string> => {
      const { items } = await ask(200, 'get', `${home}/directories/${directoryId}/groups`);
      return items.find(({ displayName }: { displayName: string }) => displayName === name)?.id;
    },
    async may(accountId: string, permission: string): Promise<boolean> {
      const question = {
        subject: { type: 'user', id: accountId },
        action: { name: permission },
        resource: { type: 'project', id: project.id },
      };
      return (await ask(200, 'post', '/access/v1/evaluation', question)).decision;
    },
  };
}

const ann = { id: 'u-ann', name: 'ann', groups: ['gpu-admins'] };
const bea = { id: 'u-bea', name: 'bea', groups: ['gpu-admins'] };

describe.each([
  ['SAML by a metadata URL', openSamlIdp],
  ['OpenID Connect by discovery', openOidcIdp],
])('%s', (_protocol, openIdp) => {
  test('an IdP is connected, tested and activated; people come, change, go and come back', async () => {
    const dns = new Map<string, string>();
    const gatehouse = await openTestGatehouse({
      rehearse: false,
      env: { GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true' },
      lookUpTxt: async (name) => [...(dns.has(name) ? [dns.get(name) ?? ''] : [])],
    });
    const idp = await openIdp();
    const scene = await openScene(gatehouse, idp);
    const { ask, home, path } = scene;

    // A draft lets nobody in; a test shows what would be.
    expect((await scene.start(openBrowser(gatehouse))).status).toBe(404);
    await ask(409, 'patch', path, { status: 'active' });
    const claim = await ask(201, 'post', `${home}/domains`, { domain: 'acme.test' });
    await ask(409, 'post', `${home}/domains/acme.test/verify`);
    dns.set(claim.record.name, claim.record.value);
    expect(await ask(200, 'post', `${home}/domains/acme.test/verify`)).toMatchObject({ verified: true });
    const admin = openBrowser(gatehouse);
    const { url } = await ask(201, 'post', `${path}/test`);
    const tested = await idp.answer(admin, await admin.open(url), bea);
    expect(tested.text).toContain('The connection works');
    expect((await scene.me(admin)).status).toBe(401);
    await ask(200, 'patch', path, { status: 'active' });

    // A group is mapped before anybody has come: the first sign-in makes a member who has the role before any answer.
    const claimed = await ask(201, 'post', `${path}/groups`, { name: 'gpu-admins' });
    await ask(201, 'post', `${home}/mappings`, { groupId: claimed.id, projectId: scene.project.id, role: 'admin' });
    const browser = openBrowser(gatehouse);
    expect((await scene.signIn(browser, ann)).status).toBe(303);
    const { body: me } = await scene.me(browser);
    const accountId: string = me.id;
    expect(await scene.may(accountId, 'project.update')).toBe(true);
    expect((await scene.signIn(openBrowser(gatehouse), bea)).status).toBe(303);
    const { items: directories } = await ask(200, 'get', `${home}/directories`);
    expect(await scene.groupId(directories[0].id, 'gpu-admins')).toBe(claimed.id);

    // The IdP takes the group away: the next sign-in does, too (SSO-8).
    await scene.signIn(browser, { ...ann, groups: [] });
    expect(await scene.may(accountId, 'project.update')).toBe(false);
    expect((await scene.me(browser)).body.id).toBe(accountId);

    // The IdP begins to push: the same person is adopted, and its word wins over what sign-ins claim (SCIM-3, SSO-4, SSO-8).
    const { directory, token } = await ask(201, 'post', `${home}/directories`, { name: 'SCIM' });
    const scim = async (method: Method, resource: string, body?: object) => {
      const answer = await gatehouse.bearer(token.secret, method, `/scim/v2/${directory.id}${resource}`).send(body);
      if (answer.status >= 300) throw new Error(`${method} ${resource}: ${answer.status} ${answer.text}`);
      return answer.body;
    };
    const core = 'urn:ietf:params:scim:schemas:core:2.0';
    const emails = [{ value: emailOf(ann), primary: true }];
    const pushed = { schemas: [`${core}:User`], userName: emailOf(ann), externalId: ann.id, active: true, emails };
    const user = await scim('post', '/Users', pushed);
    const members = [{ value: user.id }];
    const group = await scim('post', '/Groups', { schemas: [`${core}:Group`], displayName: 'gpu', members });
    await ask(201, 'post', `${home}/mappings`, { groupId: group.id, projectId: scene.project.id, role: 'admin' });
    await until('the pushed group gives its role', () => scene.may(accountId, 'project.update'));
    await ask(200, 'patch', path, { directoryId: directory.id, jit: false });
    await scene.signIn(browser, { ...ann, groups: [] });
    expect(await scene.may(accountId, 'project.update')).toBe(true);
    const patch = (...Operations: readonly object[]) => ({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations,
    });
    await scim('patch', `/Groups/${group.id}`, patch({ op: 'remove', path: `members[value eq "${user.id}"]` }));
    await until('the role goes with the group', async () => !(await scene.may(accountId, 'project.update')));

    // Who is not in the directory does not come in any more, with a page that says so and a reference (SSO-4).
    const stranger = await scene.signIn(openBrowser(gatehouse), { id: 'u-eve', name: 'eve', groups: [] });
    expect(stranger.status).toBe(403);
    expect(stranger.text).toMatch(/[0-9A-Z]{5}-[0-9A-Z]{5}/);

    // Deactivated: in the very response the session is dead, and the door is shut (MEM-5).
    await scim('patch', `/Users/${user.id}`, patch({ op: 'replace', path: 'active', value: false }));
    expect((await scene.me(browser)).status).toBe(401);
    expect(await scene.may(accountId, 'project.read')).toBe(false);
    const refused = await scene.signIn(browser, ann);
    expect(refused.status).toBe(403);
    expect(refused.headers['content-type']).toMatch('text/html');
    const reference = /[0-9A-Z]{5}-[0-9A-Z]{5}/.exec(refused.text)?.[0];
    const record = await ask(200, 'get', `${home}/sign-ins/${reference}`);
    expect(record).toMatchObject({ outcome: 'refused', code: 'deactivated_in_directory', subject: expect.any(String) });

    // Back again: the same account, and its session counts.
    await scim('patch', `/Users/${user.id}`, patch({ op: 'replace', path: 'active', value: true }));
    expect((await scene.signIn(browser, ann)).status).toBe(303);
    expect((await scene.me(browser)).body.id).toBe(accountId);
    expect(await ask(200, 'get', `${home}/audit/verify`)).toMatchObject({ verified: true });
  }, 60_000);
});
