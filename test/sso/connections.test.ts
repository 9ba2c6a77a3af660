/** Connections over the management API: made, shown, changed, activated, deleted (SSO-1). */
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/lib/ids.ts';
import { openSealer } from '../../src/lib/secrets.ts';
import { getConnection, markTested } from '../../src/sso/connections.ts';
import { openDecryptionKeys, openSigningKey, publicJwks } from '../../src/sso/keys.ts';
import type { Transaction } from '../../src/store/index.ts';
import { type Method, openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { idpCertificate } from '../support/idpCertificate.ts';
import { idpMetadata, makeCertificate, serve, service } from './idpMetadata.ts';

let gatehouse: TestGatehouse;
let home: string;
let organizationId: string;
let names = 0;

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ rehearse: false, env: { GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true' } });
});

beforeEach(async () => {
  names += 1;
  const owner = { email: `owner@org${names}.example` };
  const made = await ask(201, 'post', '/api/v1/organizations', { name: `Org ${names}`, owner });
  organizationId = made.id;
  home = `/api/v1/organizations/${organizationId}`;
});

/** The body of an answer that must have this status. */
async function ask(status: number, method: Method, path: string, body?: object) {
  const answer = await gatehouse.operator(method, path).send(body);
  if (answer.status !== status) throw new Error(`expected ${status}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const fields = {
  entityId: 'https://idp.example/entity',
  ssoUrl: 'https://idp.example/sso',
  certificates: [idpCertificate],
};
const connect = (body: object) => ask(201, 'post', `${home}/connections`, { name: 'IdP', ...body });
const change = (id: string, body: object, status = 200) => ask(status, 'patch', `${home}/connections/${id}`, body);
const read = (id: string) => ask(200, 'get', `${home}/connections/${id}`);
const write = <T>(work: (tx: Transaction) => Promise<T>) =>
  gatehouse.store.transaction({ actor: 'operator', requestId: 'test' }, work);

async function auditTypes(targetId: string): Promise<readonly string[]> {
  const { items } = await ask(200, 'get', `${home}/audit?targetId=${targetId}&limit=200`);
  return items.map(({ type }: { type: string }) => type).reverse();
}

/** An OpenID provider, as far as discovery goes. */
const openProvider = async (facts: object = {}) => {
  const base: string = await serve((request, response) => {
    if (request.url !== '/tenant/.well-known/openid-configuration') response.writeHead(404).end();
    else {
      const issuer = `${base}/tenant`;
      const endpoints = {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
      };
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ ...endpoints, ...facts }));
    }
  });
  return `${base}/tenant`;
};

describe('a SAML connection', () => {
  test('is made by fields, as a draft, and says what to type in at the IdP', async () => {
    const made = await connect({ preset: 'okta', saml: fields });
    expect(made).toMatchObject({
      protocol: 'saml',
      status: 'draft',
      preset: 'okta',
      jit: true,
      idpInitiated: false,
      saml: {
        entityId: fields.entityId,
        ssoUrl: fields.ssoUrl,
        ssoBinding: 'redirect',
        signRequests: false,
        requireEncryption: false,
        certificates: [{ subject: 'CN=idp.example', expiresAt: '2120-01-01T00:00:00.000Z' }],
      },
      forIdp: {
        entityId: `http://gatehouse.test/sso/saml/${made.id}/metadata`,
        metadataUrl: `http://gatehouse.test/sso/saml/${made.id}/metadata`,
        acsUrl: `http://gatehouse.test/sso/saml/${made.id}/acs`,
        sloUrl: `http://gatehouse.test/sso/saml/${made.id}/slo`,
        initiateLoginUri: `http://gatehouse.test/sso/start?connection=${made.id}`,
      },
      keys: [{ state: 'current' }],
    });
    expect(made.claims.email).toContain('email');
    expect(await read(made.id)).toEqual(made);
    expect((await ask(200, 'get', `${home}/connections`)).items).toEqual([made]);
    expect(await auditTypes(made.id)).toEqual(['connection.created']);
  });

  test('is made by metadata, as text and from its address, with several certificates', async () => {
    const certificates = [await makeCertificate(), await makeCertificate()];
    const xml = idpMetadata({
      certificates,
      descriptor: 'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" WantAuthnRequestsSigned="1"',
    }); // prettier-ignore
    const byText = await connect({ saml: { metadataXml: xml } });
    expect(byText.saml).toMatchObject({ entityId: 'https://idp.example/entity', signRequests: true });
    expect(byText.saml.certificates).toHaveLength(2);
    expect(byText.saml.metadata).toBeUndefined();

    const base = await serve((request, response) => {
      if (request.url === '/old') response.writeHead(302, { Location: '/metadata' }).end();
      else response.writeHead(200, { 'Content-Type': 'application/samlmetadata+xml' }).end(xml);
    });
    const byUrl = await connect({ saml: { metadataUrl: `${base}/old`, signRequests: false } });
    expect(byUrl.saml).toMatchObject({
      metadataUrl: `${base}/old`,
      metadata: { readAt: expect.any(String) },
      signRequests: false,
    });
    expect(byUrl.saml.certificates).toEqual(byText.saml.certificates);
  });

  test.each<[string, object, string]>([
    ['nothing of its IdP', {}, 'invalid_request'],
    ['half of its IdP', { entityId: fields.entityId, ssoUrl: fields.ssoUrl }, 'invalid_request'],
    ['two ways at once', { ...fields, metadataXml: '<a/>' }, 'invalid_request'],
    ['plain http', { ...fields, ssoUrl: 'http://idp.example/sso' }, 'invalid_request'],
    ['a script as address', { ...fields, ssoUrl: 'javascript:alert(1)' }, 'invalid_request'],
    ['no certificate', { ...fields, certificates: ['nonsense'] }, 'certificate_invalid'],
    ['a document type in its metadata', { metadataXml: '<!DOCTYPE a><a/>' }, 'metadata_invalid'],
    ['metadata at the metadata service', { metadataUrl: 'http://169.254.169.254/latest' }, 'address_refused'],
    ['metadata in a file', { metadataUrl: 'file:///etc/passwd' }, 'address_refused'],
    ['metadata where nobody is', { metadataUrl: 'http://127.0.0.1:9/' }, 'remote_unreachable'],
  ])('is refused with %s, and nothing is made (OPS-1)', async (_what, saml, code) => {
    expect(await ask(400, 'post', `${home}/connections`, { name: 'IdP', saml })).toMatchObject({ code });
    expect((await ask(200, 'get', `${home}/connections`)).items).toEqual([]);
  });

  test('is refused where the address of its metadata answers with something else', async () => {
    const base = await serve((request, response) => {
      if (request.url === '/missing') response.writeHead(404).end('no');
      else if (request.url === '/huge') response.end('x'.repeat(2_000_000));
      else response.end('<html></html>');
    });
    const codes = [];
    for (const path of ['/missing', '/huge', '/page']) {
      const body = { name: 'IdP', saml: { metadataUrl: base + path } };
      codes.push((await ask(400, 'post', `${home}/connections`, body)).code);
    }
    expect(codes).toEqual(['remote_unreachable', 'remote_too_large', 'metadata_invalid']);
  });

  test('changes field by field; what its metadata decides is not changed beside it', async () => {
    const base = await serve((_request, response) => response.end(idpMetadata({ certificates: [idpCertificate] })));
    const { id } = await connect({ saml: { metadataUrl: base } });
    expect(await change(id, { saml: { requireEncryption: true } })).toMatchObject({
      saml: { metadataUrl: base, requireEncryption: true, entityId: fields.entityId },
    });
    const other = { ssoUrl: 'https://idp.example/other' };
    expect(await change(id, { saml: other }, 400)).toMatchObject({ code: 'invalid_request' });
    const byHand = await change(id, { saml: { ...other, metadataUrl: null, sloUrl: 'https://idp.example/slo' } });
    expect(byHand.saml).toMatchObject({ ...other, sloUrl: 'https://idp.example/slo', sloBinding: 'redirect' });
    expect(byHand.saml.metadataUrl).toBeUndefined();
    expect(byHand.saml.metadata).toBeUndefined();
    const answers = { sloResponseUrl: 'https://idp.example/answers' };
    expect((await change(id, { saml: answers })).saml).toMatchObject({ sloUrl: 'https://idp.example/slo', ...answers });
    expect((await change(id, { saml: { sloBinding: 'post' } })).saml).toMatchObject({ sloBinding: 'post', ...answers });
    const elsewhere = await change(id, { saml: { sloUrl: 'https://idp.example/slo2' } });
    expect(elsewhere.saml.sloResponseUrl).toBeUndefined();
    expect((await change(id, { saml: { ...answers, sloUrl: null } }, 400)).code).toBe('invalid_request');
    const none = (await change(id, { saml: { sloUrl: null } })).saml;
    expect([none.sloUrl, none.sloResponseUrl]).toEqual([undefined, undefined]);
  });

  test('keeps its protocol, and its IdP once people are known by its names (SSO-6)', async () => {
    const { id } = await connect({ saml: fields });
    expect(await change(id, { oidc: { clientId: 'x' } }, 400)).toMatchObject({ code: 'invalid_request' });
    const moved = { entityId: 'https://idp.example/moved' };
    expect((await change(id, { saml: moved })).saml).toMatchObject(moved);
    await write((tx) =>
      tx.identities.insert(organizationId, {
        _id: newId('identity'),
        organizationId,
        connectionId: id,
        subject: 'alice',
        accountId: newId('account'),
        link: 'linked',
      }),
    );
    expect(await change(id, { saml: { entityId: fields.entityId } }, 409)).toMatchObject({ code: 'issuer_fixed' });
    expect((await change(id, { saml: { ssoUrl: 'https://idp.example/2' } })).saml).toMatchObject(moved);
  });
});

describe('an OIDC connection', () => {
  test('is made by discovery; its secret is sealed and never shown', async () => {
    const issuer = await openProvider();
    const oidc = { issuer, clientId: 'client', clientSecret: 'hunter2-hunter2' };
    const made = await connect({ preset: 'entra', oidc });
    expect(made).toMatchObject({
      protocol: 'oidc',
      oidc: {
        issuer,
        clientId: 'client',
        authentication: 'client_secret_basic',
        hasSecret: true,
        scopes: ['openid', 'profile', 'email'],
      },
      forIdp: {
        redirectUri: `http://gatehouse.test/sso/oidc/${made.id}/callback`,
        backchannelLogoutUri: `http://gatehouse.test/sso/oidc/backchannel-logout/${made.id}`,
        postLogoutRedirectUri: 'http://gatehouse.test/sign-in',
        jwksUri: `http://gatehouse.test/sso/oidc/${made.id}/jwks.json`,
      },
      claims: { immutableId: ['oid'] },
    });
    const announcing = await openProvider({ authorization_response_iss_parameter_supported: true });
    const shared = await change(made.id, { oidc: { issuer: announcing } });
    expect(shared.forIdp).toMatchObject({ redirectUri: 'http://gatehouse.test/sso/oidc/callback' });
    await change(made.id, { oidc: { issuer } });
    const stored = await getConnection(gatehouse.store.read, organizationId, made.id);
    const audit = await ask(200, 'get', `${home}/audit?targetId=${made.id}`);
    for (const shown of [made, stored, audit]) expect(JSON.stringify(shown)).not.toContain('hunter2');
    expect(stored.oidc?.clientSecret).toMatch(/^v1\./);

    const replaced = await change(made.id, {
      oidc: { clientSecret: 'next', clientSecretExpiresAt: '2100-01-01T00:00:00Z' },
    }); // prettier-ignore
    expect(replaced.oidc).toMatchObject({ hasSecret: true, clientSecretExpiresAt: '2100-01-01T00:00:00Z' });
    const after = await getConnection(gatehouse.store.read, organizationId, made.id);
    expect(after.oidc?.clientSecret).not.toBe(stored.oidc?.clientSecret);
    const byKey = await change(made.id, { oidc: { authentication: 'private_key_jwt', scopes: ['groups'] } });
    expect(byKey.oidc).toMatchObject({ hasSecret: false, scopes: ['openid', 'groups'] });
    const jwks = await gatehouse.request.get(new URL(made.forIdp.jwksUri).pathname);
    expect([jwks.status, jwks.headers['content-type']]).toEqual([200, 'application/jwk-set+json; charset=utf-8']);
    expect(jwks.body).toEqual(await publicJwks(gatehouse.store.read, after));
  });

  test.each([
    [
      'by what the issuer takes, where that is one way',
      ['client_secret_post', 'private_key_jwt'],
      'client_secret_post',
    ],
    ['in the usual way where it takes both', ['client_secret_post', 'client_secret_basic'], 'client_secret_basic'],
    ['in the usual way where it does not say', undefined, 'client_secret_basic'],
  ])('shows its secret %s, unless an Admin says how (SSO-1)', async (_title, ways, way) => {
    const issuer = await openProvider({ token_endpoint_auth_methods_supported: ways });
    const oidc = { issuer, clientId: 'client', clientSecret: 'x' };
    expect((await connect({ oidc })).oidc.authentication).toBe(way);
    const said = await connect({ oidc: { ...oidc, authentication: 'client_secret_basic' } });
    expect(said.oidc.authentication).toBe('client_secret_basic');
  });

  test('needs a client id, and a secret unless it signs with a key', async () => {
    const issuer = await openProvider();
    const refusal = async (oidc: object) =>
      (await ask(400, 'post', `${home}/connections`, { name: 'IdP', oidc })).detail as string;
    expect(await refusal({ issuer })).toContain('clientId');
    expect(await refusal({ issuer, clientId: 'client' })).toContain('clientSecret');
    expect(await refusal({ clientId: 'client', clientSecret: 'x' })).toContain('issuer');
    await connect({ oidc: { issuer, clientId: 'client', authentication: 'private_key_jwt' } });
  });

  test('is refused where its issuer is not who it is said to be, or not there (SSO-1)', async () => {
    const issuer = await openProvider();
    const stranger = await openProvider({ issuer: 'https://other.example' });
    const lacking = await openProvider({ token_endpoint: undefined });
    const codeOf = async (named: string) => {
      const oidc = { issuer: named, clientId: 'client', clientSecret: 'x' };
      return (await ask(400, 'post', `${home}/connections`, { name: 'IdP', oidc })).code;
    };
    expect(await codeOf(stranger)).toBe('issuer_invalid');
    expect(await codeOf(lacking)).toBe('issuer_invalid');
    expect(await codeOf(`${issuer}/.well-known/openid-configuration`)).toBe('issuer_invalid');
    expect(await codeOf(`${issuer}?x=1`)).toBe('issuer_invalid');
    expect(await codeOf(`${issuer}/other`)).toBe('issuer_invalid');
    expect(await codeOf('http://169.254.169.254')).toBe('address_refused');
    expect(await codeOf('nonsense')).toBe('issuer_invalid');
    expect((await ask(200, 'get', `${home}/connections`)).items).toEqual([]);
  });
});

describe('the life of a connection', () => {
  test('is tested before it is activated, or forced (SSO-1)', async () => {
    const { id } = await connect({ saml: fields });
    expect(await change(id, { status: 'active' }, 409)).toMatchObject({ code: 'connection_untested' });
    await write(async (tx) => markTested(tx, await getConnection(tx, organizationId, id)));
    expect(await read(id)).toMatchObject({ status: 'tested', testedAt: expect.any(String) });
    expect(await change(id, { status: 'active' })).toMatchObject({ status: 'active' });
    expect(await change(id, { status: 'disabled' })).toMatchObject({ status: 'disabled' });
    expect(await change(id, { status: 'active' })).toMatchObject({ status: 'active' });
    expect(await auditTypes(id)).toEqual([
      'connection.created',
      'connection.tested',
      'connection.activated',
      'connection.disabled',
      'connection.activated',
    ]);
    const forced = await connect({ saml: fields });
    expect(await change(forced.id, { status: 'active', force: true })).toMatchObject({ status: 'active' });
  });

  test('other settings of the IdP want another test; what is active stays so', async () => {
    const { id } = await connect({ saml: fields });
    await write(async (tx) => markTested(tx, await getConnection(tx, organizationId, id)));
    expect(await change(id, { name: 'Renamed', saml: fields })).toMatchObject({ name: 'Renamed', status: 'tested' });
    const moved = { ssoUrl: 'https://idp.example/moved' };
    const changed = await change(id, { saml: moved });
    expect([changed.status, changed.testedAt]).toEqual(['draft', undefined]);
    await change(id, { status: 'active', force: true });
    expect(await change(id, { saml: { ssoUrl: fields.ssoUrl } })).toMatchObject({ status: 'active' });
  });

  test('claims come from the preset; changes lie over it, and null takes one away', async () => {
    const made = await connect({ preset: 'entra', saml: fields, claims: { email: ['mail'], groups: null } });
    expect(made.claims).toMatchObject({ email: ['mail'], immutableId: [expect.stringContaining('objectidentifier')] });
    expect(made.claims.groups).toBeUndefined();
    const changed = await change(made.id, { claims: { subject: ['employeeNumber'], email: null } });
    expect([changed.claims.subject, changed.claims.email]).toEqual([['employeeNumber'], undefined]);
    for (const claims of [{ email: [] }, { email: 'mail' }, { unknown: ['x'] }, { email: [''] }]) {
      expect(await change(made.id, { claims }, 400)).toMatchObject({ code: 'invalid_request' });
    }
  });

  test('a directory turns just-in-time provisioning off (SSO-4)', async () => {
    const { directory } = await ask(201, 'post', `${home}/directories`, { name: 'Okta' });
    const made = await connect({ saml: fields, directoryId: directory.id });
    expect(made).toMatchObject({ jit: false, directoryId: directory.id });
    expect(await change(made.id, { jit: true }, 400)).toMatchObject({ code: 'invalid_request' });
    const both = { name: 'IdP', saml: fields, jit: true, directoryId: directory.id };
    expect(await ask(400, 'post', `${home}/connections`, both)).toMatchObject({ code: 'invalid_request' });
    const nowhere = { name: 'IdP', saml: fields, directoryId: newId('directory') };
    expect(await ask(404, 'post', `${home}/connections`, nowhere)).toMatchObject({ code: 'not_found' });
    expect(await change(made.id, { directoryId: null, jit: true })).toMatchObject({ jit: true });
    expect(await change(made.id, { directoryId: directory.id })).toMatchObject({ jit: false });
  });

  test('two changes at once: one of them is told to look again', async () => {
    const { id } = await connect({ saml: fields });
    const both = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) => gatehouse.operator('patch', `${home}/connections/${id}`).send({ name })),
    );
    const statuses = both.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(1);
    for (const status of statuses) expect([200, 409]).toContain(status);
  });
});

describe('the last active connection of an organization that enforces SSO', () => {
  test('is neither disabled nor deleted before another one is active, or the enforcement ends (SSO-5)', async () => {
    const { id } = await connect({ saml: fields });
    const other = await connect({ saml: fields });
    for (const one of [id, other.id]) await change(one, { status: 'active', force: true });
    await ask(200, 'patch', home, { settings: { ssoEnforced: true } });
    await change(other.id, { status: 'disabled' });
    expect((await change(id, { status: 'disabled' }, 409)).code).toBe('no_active_connection');
    expect((await ask(409, 'delete', `${home}/connections/${id}`)).code).toBe('no_active_connection');
    expect(await read(id)).toMatchObject({ status: 'active' });
    await change(other.id, { status: 'active', force: true });
    await change(id, { status: 'disabled' });
    await ask(200, 'patch', home, { settings: { ssoEnforced: false } });
    await ask(204, 'delete', `${home}/connections/${other.id}`);
  });
});

describe('the keys of a connection', () => {
  const sealer = () => openSealer(gatehouse.secrets.key);

  test('roll over: next, current, former; all of them decrypt and are published (SSO-1)', async () => {
    const { id, keys } = await connect({ saml: fields });
    const [first] = keys;
    const row = await getConnection(gatehouse.store.read, organizationId, id);
    const open = () => openDecryptionKeys(gatehouse.store.read, sealer(), row);
    const next = await ask(201, 'post', `${home}/connections/${id}/keys`);
    expect(next).toMatchObject({ state: 'next' });
    expect(await ask(409, 'post', `${home}/connections/${id}/keys`)).toMatchObject({ code: 'key_waiting' });
    expect(await open()).toHaveLength(2);
    const signing = await openSigningKey(gatehouse.store.read, sealer(), row);
    expect(signing.certificate).toBe(first.certificate.pem);
    expect(signing.privateKey).toContain('PRIVATE KEY');

    await ask(200, 'post', `${home}/connections/${id}/keys/${next.id}/activate`);
    const states = (await read(id)).keys.map((key: { id: string; state: string }) => [key.id, key.state]);
    expect(states).toEqual([
      [next.id, 'current'],
      [first.id, 'former'],
    ]); // prettier-ignore
    expect((await openSigningKey(gatehouse.store.read, sealer(), row)).certificate).toBe(next.certificate.pem);
    expect((await publicJwks(gatehouse.store.read, row)).keys).toHaveLength(2);
    expect((await gatehouse.request.get(`/sso/oidc/${id}/jwks.json`)).status).toBe(404);

    expect(await ask(409, 'delete', `${home}/connections/${id}/keys/${next.id}`)).toMatchObject({ code: 'key_in_use' });
    await ask(204, 'delete', `${home}/connections/${id}/keys/${first.id}`);
    await ask(404, 'delete', `${home}/connections/${id}/keys/${first.id}`);
    await ask(404, 'post', `${home}/connections/${id}/keys/${next.id}/activate`);
    expect((await read(id)).keys).toHaveLength(1);
  });

  test('are sealed in the store, and their private halves are nowhere else', async () => {
    const { id } = await connect({ saml: fields });
    const rows = await gatehouse.store.read.connectionKeys.find(organizationId, { connectionId: id });
    expect(rows.map(({ privateKey }) => privateKey.slice(0, 3))).toEqual(['v1.']);
    const row = await getConnection(gatehouse.store.read, organizationId, id);
    const jwks = await publicJwks(gatehouse.store.read, row);
    expect(jwks.keys[0]).toEqual({
      kty: 'RSA',
      n: expect.any(String),
      e: 'AQAB',
      use: 'sig',
      alg: 'RS256',
      kid: expect.any(String),
    });
  });
});

describe('the end of a connection', () => {
  test('takes its keys, identities and sign-ins along, not its people', async () => {
    const { id } = await connect({ saml: fields });
    const accountId = (await ask(201, 'post', '/api/v1/accounts', { email: `alice@org${names}.example` })).id;
    const member = await ask(201, 'post', `${home}/members`, { accountId, role: 'member' });
    await write(async (tx) => {
      const own = { organizationId, connectionId: id };
      await tx.identities.insert(organizationId, {
        _id: newId('identity'),
        ...own,
        subject: 'a',
        accountId,
        link: 'linked',
      }); // prettier-ignore
      await tx.signInAttempts.insert(organizationId, {
        _id: newId('signInAttempt'),
        ...own,
        purpose: 'sign_in',
        stateHash: id,
        expiresAt: tx.at,
      }); // prettier-ignore
      await tx.consumedMessages.insert(organizationId, {
        _id: newId('consumedMessage'),
        ...own,
        messageId: 'm',
        expiresAt: tx.at,
      }); // prettier-ignore
    });
    await ask(204, 'delete', `${home}/connections/${id}`);
    await ask(404, 'get', `${home}/connections/${id}`);
    const { read: reads } = gatehouse.store;
    for (const rows of [reads.identities, reads.signInAttempts, reads.consumedMessages, reads.connectionKeys]) {
      expect(await rows.count(organizationId, {})).toBe(0);
    }
    expect(await ask(200, 'get', `${home}/members/${member.id}`)).toMatchObject({ status: 'active' });
    expect(await auditTypes(id)).toEqual(['connection.created', 'connection.deleted']);
  });

  test('asks what becomes of grants that groups of its sign-ins have given (MAP-3)', async () => {
    const { id } = await connect({ saml: fields });
    const groupId = newId('directoryGroup');
    await write(async (tx) => {
      const directoryId = newId('directory');
      await tx.directories.insert(organizationId, {
        _id: directoryId,
        organizationId,
        name: 'x',
        externalIdIsImmutable: false,
        connectionId: id,
      }); // prettier-ignore
      await tx.directoryGroups.insert(organizationId, {
        _id: groupId,
        organizationId,
        directoryId,
        displayName: 'g',
        displayNameKey: 'g',
        attributes: {},
      }); // prettier-ignore
    });
    const project = await ask(201, 'post', `${home}/projects`, { name: 'Research' });
    await ask(201, 'post', `${home}/mappings`, { groupId, projectId: project.id, role: 'member' });
    expect(await ask(400, 'delete', `${home}/connections/${id}`)).toMatchObject({ code: 'grants_choice_required' });
    await read(id);
    await ask(204, 'delete', `${home}/connections/${id}?grants=revoke`);
    expect((await ask(200, 'get', `${home}/mappings`)).items).toEqual([]);
    expect((await ask(200, 'get', `${home}/directories`)).items).toEqual([]);
  });
});

test('services of an IdP need no private network to be shown, only the guarded client to be read', async () => {
  const guarded = await openTestGatehouse({ rehearse: false });
  const base = await serve((_request, response) =>
    response.end(idpMetadata({ certificates: [idpCertificate], services: service('https://idp.example/sso') })),
  ); // prettier-ignore
  const organization = await guarded
    .operator('post', '/api/v1/organizations')
    .send({ name: 'Guarded', owner: { email: 'o@guarded.example' } });
  const answer = await guarded
    .operator('post', `/api/v1/organizations/${organization.body.id}/connections`)
    .send({ name: 'IdP', saml: { metadataUrl: base } });
  expect([answer.status, answer.body.code]).toEqual([400, 'address_refused']);
});
