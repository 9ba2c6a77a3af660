/** What we ask a SAML IdP, by either binding, signed or not, over HTTP (SSO-1, SSO-2). */
import { createVerify } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { SignedXml } from 'xml-crypto';
import { readSamlRequest } from '../../../src/simulator/index.ts';
import { craftResponse } from './craft.ts';
import { ann, openSamlWorld, type Pair, type SamlWorld } from './world.ts';

let world: SamlWorld;
beforeAll(async () => {
  world = await openSamlWorld();
});

const start = ({ connection }: Pair, query: Readonly<Record<string, string>> = {}) =>
  world.gatehouse.request.get('/sso/start').query({ connection: connection._id, ...query });

/** Whether the enveloped signature is by our key, as an IdP checks it. */
function isSigned(xml: string): boolean {
  const signature = /<(?:\w+:)?Signature[ >][\s\S]*<\/(?:\w+:)?Signature>/.exec(xml)?.[0];
  if (signature === undefined) return false;
  const verifier = new SignedXml({ publicCert: world.keys.own.certificate });
  verifier.loadSignature(signature);
  return verifier.checkSignature(xml);
}

describe('a request by redirect', () => {
  test('is signed where the connection says so, over the very address that is sent', async () => {
    const pair = await world.connect({ saml: { signRequests: true } });
    const answer = await start(pair);
    expect(answer.status).toBe(303);
    const url = new URL(answer.headers.location ?? '');
    const [signed, signature] = url.search.slice(1).split('&Signature=');
    expect(url.searchParams.get('SigAlg')).toBe('http://www.w3.org/2001/04/xmldsig-more#rsa-sha256');
    const verifies = (text: string) =>
      createVerify('RSA-SHA256')
        .update(text)
        .verify(world.keys.own.certificate, decodeURIComponent(signature ?? ''), 'base64');
    expect(verifies(signed ?? '')).toBe(true);
    expect(verifies(`${signed}x`)).toBe(false);
    const request = readSamlRequest(url.searchParams.get('SAMLRequest') ?? '', 'redirect');
    expect(request).toMatchObject({ kind: 'AuthnRequest', issuer: pair.to.entityId });
    expect(request.xml).toContain(`AssertionConsumerServiceURL="${pair.to.acsUrl}"`);
    expect(request.xml).toContain('Destination="https://idp.test/sso"');
    expect(request.xml).not.toMatch(/ForceAuthn="true"|RequestedAuthnContext/);
  });

  test('is not signed where it does not, and asks the person anew where that is wanted', async () => {
    const pair = await world.connect();
    const url = new URL((await start(pair, { reauth: '1' })).headers.location ?? '');
    expect([...url.searchParams.keys()].sort()).toEqual(['RelayState', 'SAMLRequest']);
    expect(readSamlRequest(url.searchParams.get('SAMLRequest') ?? '', 'redirect').xml).toContain('ForceAuthn="true"');
  });
});

describe('a request by form', () => {
  test.each([true, false])('signed: %p, leads on to a sign-in; the page needs no script', async (signRequests) => {
    const pair = await world.connect({ saml: { ssoBinding: 'post', signRequests } });
    const page = await start(pair);
    expect(page.status).toBe(200);
    expect(page.text).toContain('action="https://idp.test/sso"');
    expect(page.text).toContain('<button type="submit">Continue</button>');
    expect(page.headers['content-security-policy']).toContain("form-action 'self' https:");
    const field = (name: string) => new RegExp(`name="${name}" value="([^"]+)"`).exec(page.text)?.[1] ?? '';
    const request = readSamlRequest(field('SAMLRequest'), 'post');
    expect(isSigned(request.xml)).toBe(signRequests);
    expect(isSigned(request.xml.replace('acs"', 'evil"'))).toBe(false);
    const [cookie = ''] = ([] as string[]).concat(page.headers['set-cookie'] ?? []);
    const left = { request, relayState: field('RelayState'), cookie: cookie.split(';')[0] ?? '' };
    const response = await craftResponse(pair.idp, pair.to, ann, { request: request.id, at: world.now() });
    expect(await world.post(pair, response, left)).toMatchObject({ status: 303, signedIn: true });
    expect(await world.post(pair, response, left)).toMatchObject({ status: 403, signedIn: false });
  });
});
