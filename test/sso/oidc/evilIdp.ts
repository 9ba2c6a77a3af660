/**
 * An OpenID provider in the tests' hands: every part of every answer can be replaced, one flaw at a time. What is not replaced
 * is as an honest IdP says it, really signed.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export type Json = Record<string, unknown>;

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function newKey(kid: string, alg = 'RS256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** What the IdP is asked for at its authorization endpoint. */
export type Asked = Readonly<Record<string, string>>;

/** One sign-in, with at most one thing wrong. Each part gets what is honest and answers what is sent. */
export interface Flaw {
  readonly metadata?: (honest: Json, idp: EvilIdp) => Json;
  readonly keys?: (honest: JWK[], idp: EvilIdp) => unknown;
  readonly claims?: (honest: Json, asked: Asked, idp: EvilIdp) => Json;
  readonly header?: (honest: Json) => Json;
  /** The key to sign with; default: the one that is published. */
  readonly signWith?: SigningKey;
  /** The finished ID token. */
  readonly idToken?: (honest: string, claims: Json, idp: EvilIdp) => string | Promise<string>;
  readonly tokens?: (honest: Json, idp: EvilIdp) => unknown;
  /** Answers the token request itself. */
  readonly tokenEndpoint?: (response: ServerResponse, request: IncomingMessage, idp: EvilIdp) => void;
  readonly userinfo?: (honest: Json, idp: EvilIdp) => unknown;
  readonly userinfoEndpoint?: (response: ServerResponse, honest: Json, idp: EvilIdp) => unknown;
  /** The redirect back to us. */
  readonly callback?: (url: URL, asked: Asked, idp: EvilIdp) => URL;
}

export interface Person extends Json {
  readonly sub: string;
}

export interface EvilIdp {
  readonly issuer: string;
  readonly key: SigningKey;
  /** What is signed with instead, from now on. */
  rotate(key: SigningKey): void;
  /** What the authorization endpoint was asked for last. */
  readonly asked: Asked;
  /** What arrived: method and path, newest last. */
  readonly requests: {
    readonly path: string;
    readonly headers: IncomingMessage['headers'];
    readonly body: URLSearchParams;
  }[];
  /** Signs a person in at the authorization endpoint: answers where the browser is sent. */
  authorize(address: string, person: Person, flaw?: Flaw): URL;
  /** What is wrong with metadata and keys from now on. */
  misbehave(flaw: Flaw): void;
  sign(claims: Json, header?: Json, key?: SigningKey): Promise<string>;
  close(): Promise<void>;
}

interface Grant {
  readonly asked: Asked;
  readonly person: Person;
  readonly flaw: Flaw;
}

const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
};

export const b64 = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const halfHash = (alg: string, text: string): string => {
  const size = /(256|384|512)$/.exec(alg)?.[1] ?? '512';
  const hash = createHash(`sha${size}`).update(text).digest();
  return hash.subarray(0, hash.length / 2).toString('base64url');
};

/** Opens the IdP on loopback. `path` is that of its issuer. */
export async function openEvilIdp({ path = '', clientId = 'gatehouse' } = {}): Promise<EvilIdp> {
  let key = await newKey('key-1');
  let flawed: Flaw = {};
  let lastAsked: Asked = {};
  const grants = new Map<string, Grant>();
  const accessTokens = new Map<string, Grant>();
  const requests: EvilIdp['requests'] = [];
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer = `${origin}${path}`;

  function sign(claims: Json, header: Json = {}, by: SigningKey = key): Promise<string> {
    return new SignJWT(claims)
      .setProtectedHeader({ alg: by.alg, kid: by.kid, ...header })
      .sign(by.privateKey, { crit: { 'urn:test': true } });
  }

  const metadata = (): Json => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    userinfo_endpoint: `${issuer}/userinfo`,
    end_session_endpoint: `${issuer}/end-session`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const asked = new URL(request.url ?? '/', origin).pathname;
    requests.push({
      path: asked,
      headers: request.headers,
      body: new URLSearchParams(Buffer.concat(parts).toString()),
    });
    switch (asked.slice(path.length)) {
      case '/.well-known/openid-configuration':
        return json(response, 200, flawed.metadata ? flawed.metadata(metadata(), idp) : metadata());
      case '/jwks':
        return json(response, 200, flawed.keys ? flawed.keys([key.jwk], idp) : { keys: [key.jwk] });
      case '/token':
        return redeem(requests.at(-1)?.body ?? new URLSearchParams(), request, response);
      case '/userinfo':
        return tell(request, response);
      default:
        return json(response, 404, { error: 'not_found' });
    }
  }

  async function redeem(body: URLSearchParams, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const code = body.get('code') ?? '';
    const grant = grants.get(code);
    grants.delete(code);
    const challenge = createHash('sha256')
      .update(body.get('code_verifier') ?? '')
      .digest('base64url');
    if (grant?.asked.code_challenge !== challenge || grant.asked.redirect_uri !== body.get('redirect_uri')) {
      return json(response, 400, { error: 'invalid_grant' });
    }
    const { asked, person, flaw } = grant;
    if (flaw.tokenEndpoint) return flaw.tokenEndpoint(response, request, idp);
    const access = randomBytes(24).toString('base64url');
    accessTokens.set(access, grant);
    const now = Math.floor(Date.now() / 1000);
    const honest: Json = {
      iss: issuer,
      aud: clientId,
      iat: now,
      exp: now + 300,
      nonce: asked.nonce,
      at_hash: halfHash((flaw.signWith ?? key).alg, access),
      ...person,
    };
    const claims = flaw.claims ? flaw.claims(honest, asked, idp) : honest;
    const signed = await sign(claims, flaw.header?.({}) ?? {}, flaw.signWith);
    const idToken = flaw.idToken ? await flaw.idToken(signed, claims, idp) : signed;
    const tokens = { access_token: access, token_type: 'Bearer', expires_in: 300, id_token: idToken };
    json(response, 200, flaw.tokens ? flaw.tokens(tokens, idp) : tokens);
  }

  async function tell(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const grant = accessTokens.get((request.headers.authorization ?? '').replace(/^Bearer /i, ''));
    if (grant === undefined) return json(response, 401, { error: 'invalid_token' });
    const { flaw, person } = grant;
    if (flaw.userinfoEndpoint) return void (await flaw.userinfoEndpoint(response, person, idp));
    json(response, 200, flaw.userinfo ? flaw.userinfo(person, idp) : person);
  }

  const idp: EvilIdp = {
    issuer,
    get key() {
      return key;
    },
    rotate(next) {
      key = next;
    },
    get asked() {
      return lastAsked;
    },
    requests,
    authorize(address, person, flaw = {}) {
      const asked = Object.fromEntries(new URL(address).searchParams);
      lastAsked = asked;
      const code = randomUUID();
      grants.set(code, { asked, person, flaw });
      const url = new URL(asked.redirect_uri ?? '');
      url.search = new URLSearchParams({ code, state: asked.state ?? '', iss: issuer }).toString();
      return flaw.callback ? flaw.callback(url, asked, idp) : url;
    },
    misbehave(flaw) {
      flawed = flaw;
    },
    sign,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return idp;
}
