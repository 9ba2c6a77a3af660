/** The IdPs of the sign-in bench: SAML responses signed ahead, and an OpenID provider that signs each token when it is asked. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import {
  factsFor,
  issueResponse,
  type SamlAudience,
  type SamlIdp,
  type SamlKey,
  samlVendors,
} from '../../src/simulator/index.ts';

/** So many people take turns: most sign-ins are not their first. */
const people = 200;

const idpOf = (key: SamlKey): SamlIdp => ({
  entityId: 'https://idp.bench.example',
  ssoUrl: 'https://idp.bench.example/sso',
  vendor: samlVendors.okta,
  keys: [key],
});

/** `count` form bodies, each with a response of its own, which no request has asked for. */
export async function signAhead(key: SamlKey, to: SamlAudience, count: number): Promise<readonly string[]> {
  const bodies: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const name = `s${index % people}`;
    const person = {
      id: name,
      email: `${name}@acme.example`,
      givenName: 'Pat',
      familyName: name,
      groups: ['Engineers'],
    };
    const facts = factsFor(idpOf(key), to, person, { request: undefined, at: new Date() });
    const response = await issueResponse(idpOf(key), to, facts);
    bodies.push(new URLSearchParams({ SAMLResponse: Buffer.from(response).toString('base64') }).toString());
  }
  return bodies;
}

export interface Provider {
  readonly issuer: string;
  /** What the authorization endpoint sends a browser back with that came to `address`. */
  authorize(address: string): string;
  close(): void;
}

export async function openProvider(): Promise<Provider> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'bench', alg: 'RS256', use: 'sig' };
  const nonces = new Map<string, string>();
  let turn = 0;
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = await answer(request.url ?? '', new URLSearchParams(Buffer.concat(parts).toString()));
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(body));
  });
  server.keepAliveTimeout = 600_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(path: string, form: URLSearchParams): Promise<object> {
    if (path === '/jwks') return { keys: [jwk] };
    if (path !== '/token') {
      return {
        ...{ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` },
        ...{ jwks_uri: `${issuer}/jwks`, response_types_supported: ['code'], subject_types_supported: ['public'] },
        ...{ id_token_signing_alg_values_supported: ['RS256'], code_challenge_methods_supported: ['S256'] },
      };
    }
    const name = `o${turn++ % people}`;
    const claims = { nonce: nonces.get(form.get('code') ?? ''), email: `${name}@acme.example`, email_verified: true };
    const token = new SignJWT({ ...claims, name: `Pat ${name}`, preferred_username: name, groups: ['Engineers'] })
      .setProtectedHeader({ alg: 'RS256', kid: 'bench' })
      .setIssuer(issuer)
      .setAudience('gatehouse')
      .setSubject(name)
      .setIssuedAt()
      .setExpirationTime('5m');
    return { access_token: 'unused', token_type: 'Bearer', expires_in: 300, id_token: await token.sign(privateKey) };
  }

  return {
    issuer,
    authorize(address) {
      const asked = new URL(address).searchParams;
      const code = randomBytes(16).toString('hex');
      nonces.set(code, asked.get('nonce') ?? '');
      return new URLSearchParams({ code, state: asked.get('state') ?? '', iss: issuer }).toString();
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
