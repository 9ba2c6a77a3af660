/** Against the certified oidc-provider, dressed as the common makes: sign-in, log-out from both sides (SSO-2, DEV-1). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { findAccountByProvenEmail } from '../../../src/access/index.ts';
import {
  type OidcIdp,
  type OidcPerson,
  type OidcVendorName,
  openOidcIdp,
  simulatedTenant,
} from '../../../src/simulator/index.ts';
import { type Connection, PLATFORM } from '../../../src/store/index.ts';
import { type BrowserWorld, openBrowserWorld } from './browser.ts';

const nina: OidcPerson = {
  id: 'nina',
  email: 'nina@acme.test',
  givenName: 'Nina',
  familyName: 'Okoye',
  groups: ['staff', 'gpu'],
};
const secret = 'client-secret';
let world: BrowserWorld;
let port: number;

beforeAll(async () => {
  world = await openBrowserWorld();
  port = await world.gatehouse.listen(0);
});

/** A browser at the IdP: follows its redirects, keeps its cookies, chooses a person; answers the redirect back to us. */
async function signInAt(idp: OidcIdp, address: string, person: OidcPerson): Promise<URL> {
  const cookies = new Map<string, string>();
  let response = await ask(address);
  for (let hops = 0; hops < 10; hops += 1) {
    const location = response.headers.get('location');
    if (location === null) {
      const action = /action="([^"]+)"/.exec(await response.text())?.[1] ?? '';
      response = await ask(action, new URLSearchParams({ person: person.id }));
      continue;
    }
    const next = new URL(location, idp.issuer);
    if (next.origin !== idp.issuer) return next;
    response = await ask(next.href);
  }
  throw new Error('the IdP never sends the browser back');

  async function ask(url: string, body?: URLSearchParams): Promise<Response> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const method = body ? 'POST' : 'GET';
    const answer = await fetch(new URL(url, idp.issuer), {
      method,
      redirect: 'manual',
      headers: { cookie },
      ...(body && { body }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=');
      cookies.set(name, value);
    }
    return answer;
  }
}

describe.each<readonly [OidcVendorName, object]>([
  ['okta', { scopes: ['openid', 'email', 'profile', 'groups'] }],
  ['entra', { tenantId: simulatedTenant }],
  ['google', {}],
])('%s', (vendor, settings) => {
  let idp: OidcIdp;
  let connection: Connection;

  beforeAll(async () => {
    idp = await openOidcIdp({ vendor, people: [{ ...nina, id: `nina-${vendor}`, email: `nina.${vendor}@acme.test` }] });
    connection = await world.connect(idp.issuer, settings, vendor);
    idp.register({
      id: 'gatehouse',
      secret,
      redirectUri: 'http://gatehouse.test/sso/oidc/callback',
      backchannelLogoutUri: `http://127.0.0.1:${port}/sso/oidc/backchannel-logout/${connection._id}`,
      postLogoutRedirectUri: 'http://gatehouse.test/sign-in',
    });
  });
  afterAll(() => idp.close());

  test('is where a sign-out goes on to, with the ID token that was kept sealed for it, and it comes back to our page (SSO-2)', async () => {
    const left = await world.start(connection);
    if (!('address' in left)) throw new Error(left.text);
    const [person] = idp.people.values();
    if (!person) throw new Error('nobody is there');
    const { session } = await world.finish(await signInAt(idp, left.address, person), left.cookie);
    const cookie = `${left.cookie}; ${session}`;
    const kept = await world.gatehouse.store.read.idpSessions.findOne(PLATFORM, { connectionId: connection._id });
    const form = await world.gatehouse.request.get('/sign-out').set({ cookie });
    expect(form.headers['content-security-policy']).toContain(`form-action 'self' ${idp.issuer};`);
    const form_token = /name="form_token" value="([^"]+)"/.exec(form.text)?.[1];
    const site = { cookie, origin: 'http://gatehouse.test' };
    const signedOut = await world.gatehouse.request
      .post('/sign-out')
      .redirects(0)
      .set(site)
      .type('form')
      .send({ form_token });
    expect(signedOut.status).toBe(303);
    const link = new URL(signedOut.headers.location ?? '');
    expect(link.origin).toBe(idp.issuer);
    const {
      client_id,
      id_token_hint = '',
      post_logout_redirect_uri,
      state,
      ...more
    } = Object.fromEntries(link.searchParams);
    expect([client_id, more]).toEqual(['gatehouse', {}]);
    expect(decodeJwt(id_token_hint)).toMatchObject({ iss: idp.issuer, aud: 'gatehouse' });
    expect(kept?.idToken).toMatch(/^v\d/);
    expect(kept?.idToken).not.toContain(id_token_hint.slice(0, 40));
    const path = `/api/v1/organizations/${connection.organizationId}/connections/${connection._id}`;
    const { body } = await world.gatehouse.operator('get', path).expect(200);
    expect(post_logout_redirect_uri).toBe(body.forIdp.postLogoutRedirectUri);
    const page = await fetch(link);
    const html = await page.text();
    const [action = '', xsrf = ''] = [/action="([^"]+)"/, /name="xsrf" value="([^"]+)"/].map(
      (part) => part.exec(html)?.[1],
    );
    const cookies = page.headers.getSetCookie().map((line) => line.split(';')[0]);
    const ended = await fetch(action, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: cookies.join('; ') },
      body: new URLSearchParams({ xsrf, logout: 'yes' }),
    });
    expect(ended.headers.get('location')).toBe(`http://gatehouse.test/sign-in?state=${state}`);
  });

  test('signs somebody in, whose address is proven by it, and ends the session on its word', async () => {
    const left = await world.start(connection);
    if (!('address' in left)) throw new Error(left.text);
    const [person] = idp.people.values();
    if (!person) throw new Error('nobody is there');
    const ended = await world.finish(await signInAt(idp, left.address, person), left.cookie);
    expect(ended.record?.detail).toBeUndefined();
    expect(ended.signedIn).toBe(true);
    const account = await findAccountByProvenEmail(world.gatehouse.store.read, person.email);
    expect(await world.sessionsOf(account?._id ?? '')).toBe(1);
    await idp.endSessionsOf(person.id);
    expect(await world.sessionsOf(account?._id ?? '')).toBe(0);
  });
});
